package jetstream_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/filspos/fils/relay/server/jetstream"
)

// BenchmarkAppend shows what gathering brings when many wait.
func BenchmarkAppend(b *testing.B) {
	for _, singly := range []bool{true, false} {
		for _, waiting := range []int{1, 256} {
			b.Run(fmt.Sprintf("singly=%v/waiting=%d", singly, waiting), func(b *testing.B) {
				s := open(b, jetstream.Config{Singly: singly})
				body := fmt.Sprintf("%700s", "x")
				turns := make(chan int)
				done := make(chan error, waiting)
				for range waiting {
					go func() {
						for n := range turns {
							if _, _, err := s.Append(context.Background(), notice(fmt.Sprint("T", n%100), fmt.Sprint(n, body))); err != nil {
								done <- err
								return
							}
						}
						done <- nil
					}()
				}
				b.ResetTimer()
				for n := range b.N {
					turns <- n
				}
				close(turns)
				for range waiting {
					if err := <-done; err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
