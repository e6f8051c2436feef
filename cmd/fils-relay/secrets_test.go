package main

import (
	"strings"
	"testing"
)

// A password of a cluster is in no message, also when it is what is wrong.
func TestNATSPassword_IsInNoMessage(t *testing.T) {
	for _, url := range []string{
		"nats://relay:hunter2%zz@127.0.0.1:1", "nats://relay:hunter2@[127.0.0.1:1", "nats://relay:hunter2@127.0.0.1:x", "relay:hunter2@127.0.0.1:1",
		"nats://relay:hun@hunter2@127.0.0.1:1", "nats://hunter2@127.0.0.1:1", "nats://relay:x/hunter2@127.0.0.1:1", "nats://a:1,nats://relay:x,hunter2@127.0.0.1:1",
	} {
		for _, words := range [][]string{{"config"}, {"serve"}} {
			code, out, problem := call(t, append(words, "--nats", url, "--admin-token-file", t.TempDir()+"/x")...)
			if strings.Contains(out+problem, "hunter2") {
				t.Errorf("%s %s: exit %d, prints %q %q", words[0], url, code, out, problem)
			}
		}
	}
}
