package main

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/filspos/fils/relay/server"
)

// What dashboard and alerts look at exists.
func TestPackaging_MetricsExist(t *testing.T) {
	s, kept := testServer(t)
	m := newMeter(kept)
	m.watch(s, true)
	m.Notification(server.OutcomeStored, time.Second)
	m.Delivered(time.Second, false)
	m.Disconnected(0)
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"fils_relay_store_bytes": true, "fils_relay_store_limit_bytes": true, "fils_relay_store_up": true}
	for _, f := range families {
		names[f.GetName()] = true
	}
	used := map[string]bool{}
	for _, file := range []string{"alerts.yml", "dashboard.json"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "packaging", "relay", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`(fils_relay|process)_[a-z_]+`).FindAllString(string(data), -1) {
			used[strings.TrimSuffix(name, "_bucket")] = true
		}
		if file == "dashboard.json" && !json.Valid(data) {
			t.Error("the dashboard is no JSON")
		}
	}
	if len(used) < 8 {
		t.Errorf("only %d metrics are used", len(used))
	}
	for name := range maps.Keys(used) {
		if !names[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
}

// The settings file that is packaged is one that serve accepts.
func TestPackaging_SettingsAreAccepted(t *testing.T) {
	code, out, problem := call(t, "config", "--config", filepath.Join("..", "..", "packaging", "relay", "relay.toml"))
	if code != 0 || !strings.Contains(out, "/var/lib/fils-relay") {
		t.Errorf("exit %d, %s", code, problem)
	}
}

func testServer(t *testing.T) (*server.Server, store) {
	t.Helper()
	m, err := server.NewMemory(server.MemoryConfig{Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	kept := memoryStore{m, server.NewMemoryRecords()}
	s, err := server.New(server.Config{Store: kept, Records: kept, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return s, kept
}
