package main

import (
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"
)

// The linker writes these in a build by make.
var (
	linkedVersion string
	linkedCommit  string
)

// shortCommit is how much of a commit's name is shown.
const shortCommit = 12

// build says what this program was made from.
type build struct {
	version string // "development" when nobody said
	commit  string // "unknown" when nobody said; ends in "+" for a tree with changes
}

// thisBuild asks the linker first, then the toolchain.
func thisBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildFrom(linkedVersion, linkedCommit, info)
}

func buildFrom(version, commit string, info *debug.BuildInfo) build {
	b := build{version: version, commit: commit}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value[:min(shortCommit, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			modified = "+"
		}
	}
	if b.version == "" && strings.HasPrefix(info.Main.Version, "v") {
		b.version = strings.TrimPrefix(info.Main.Version, "v")
	}
	if b.commit == "" && revision != "" {
		b.commit = revision + modified
	}
	if b.version == "" {
		b.version = "development"
	}
	if b.commit == "" {
		b.commit = "unknown"
	}
	return b
}

func printVersion(w io.Writer) error {
	b := thisBuild()
	_, err := fmt.Fprintf(w, "fils-relay %s, commit %s, %s %s/%s\n", b.version, b.commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
