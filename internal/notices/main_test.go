package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestWrite_NamesWhatARelayIsBuiltOf(t *testing.T) {
	t.Setenv("CGO_ENABLED", "0")
	var out bytes.Buffer
	if err := write(&out, "../..", "./cmd/fils-relay"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"==== Go go1", "The Go Authors", "==== github.com/nats-io/nats-server/v2 ", "Apache License",
		"==== github.com/prometheus/client_golang ", ": NOTICE\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing like %q", want)
		}
	}
	for _, not := range []string{"fyne.io", "rapid", "filspos"} {
		if strings.Contains(out.String(), "==== "+not) {
			t.Errorf("%s is no part of it", not)
		}
	}
}

func TestWrite_KnowsTheTypefacesAndTheCCode(t *testing.T) {
	t.Setenv("CGO_ENABLED", "1")
	var out bytes.Buffer
	if err := write(&out, "../..", "."); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"assets/fonts/LICENSE-IBM-Plex.txt", ": glfw/LICENSE.md", "==== github.com/mattn/go-sqlite3 "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing like %q", want)
		}
	}
}

func TestWrite_SaysWhatIsNotThere(t *testing.T) {
	if err := write(new(bytes.Buffer), "../..", "./cmd/none"); err == nil {
		t.Error("a program that is not there has notices")
	}
}
