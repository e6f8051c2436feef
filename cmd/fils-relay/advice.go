package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"runtime"
	"syscall"
)

// addressInUse is what Windows says for EADDRINUSE.
const addressInUse = syscall.Errno(10048)

// listenOn opens the listener of one setting.
func listenOn(setting, address string) (net.Listener, error) {
	// Every connection has a limit of its own: websockets are pinged, others end when
	// they are idle. The kernel would probe thousands of them besides, in one go,
	// and what PayBy sends would wait for milliseconds.
	unprobed := net.ListenConfig{KeepAlive: -1}
	l, err := unprobed.Listen(context.Background(), "tcp", address)
	switch {
	case err == nil:
		return l, nil
	case errors.Is(err, syscall.EADDRINUSE), errors.Is(err, addressInUse):
		err = fmt.Errorf("--%s: %s is taken; stop the program that has it, perhaps another relay, or give another port", setting, address)
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("--%s: %s may not be used by this user; ports under 1024 want the systemd unit or root", setting, address)
	default:
		err = fmt.Errorf("--%s: %w", setting, err)
	}
	return nil, err
}

// withAdvice adds to the fault of a file what the operator can do about it.
func withAdvice(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; let the user that the relay runs as have it, or run this command as root", err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w; look at the path in the settings (fils-relay config prints them)", err)
	case errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w; --data wants a directory of its own", err)
	}
	return err
}

// warnIfOpen tells of a secret that everybody on the machine can read.
func warnIfOpen(log *slog.Logger, what, file string) {
	info, err := os.Stat(file)
	if err == nil && runtime.GOOS != "windows" && info.Mode().Perm()&0o007 != 0 {
		log.Warn(what+" is open to everybody on this machine; take that away with chmod o-rwx", "file", file)
	}
}
