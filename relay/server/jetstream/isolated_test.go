package jetstream

import (
	"testing"
	"time"

	natsjs "github.com/nats-io/nats.go/jetstream"
)

func TestIsolated(t *testing.T) {
	fresh, stale := &natsjs.PeerInfo{Active: time.Second}, &natsjs.PeerInfo{Active: silentMost}
	gone := &natsjs.PeerInfo{Active: time.Millisecond, Offline: true}
	for name, test := range map[string]struct {
		cluster *natsjs.ClusterInfo
		want    bool
	}{
		"server inside": {nil, false},
		"one replica":   {&natsjs.ClusterInfo{}, false},
		"all there":     {&natsjs.ClusterInfo{Replicas: []*natsjs.PeerInfo{fresh, fresh}}, false},
		"one of three":  {&natsjs.ClusterInfo{Replicas: []*natsjs.PeerInfo{fresh, stale}}, false},
		"two of three":  {&natsjs.ClusterInfo{Replicas: []*natsjs.PeerInfo{gone, stale}}, true},
		"three of five": {&natsjs.ClusterInfo{Replicas: []*natsjs.PeerInfo{stale, stale, gone, fresh}}, true},
		"two of five":   {&natsjs.ClusterInfo{Replicas: []*natsjs.PeerInfo{stale, fresh, gone, fresh}}, false},
	} {
		if got := isolated(&natsjs.StreamInfo{Cluster: test.cluster}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
