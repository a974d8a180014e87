package web

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestStalled has a client that takes nothing of what is written to it, and one that takes it
// slowly.
func TestStalled(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limited := newConnections(l, 4, 2*time.Second, newMetrics(prometheus.NewRegistry()))
	defer limited.Close()
	for name, takes := range map[string]bool{"takes nothing": false, "takes it slowly": true} {
		t.Run(name, func(t *testing.T) {
			client, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			served, err := limited.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer served.Close()
			if takes {
				go func() {
					buffer := make([]byte, 1<<20)
					for {
						if _, err := client.Read(buffer); err != nil {
							return
						}
						time.Sleep(time.Millisecond)
					}
				}()
			}
			if err := served.SetWriteDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			n, err := served.Write(make([]byte, 20<<20))
			if takes && (err != nil || n != 20<<20) || !takes && !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("wrote %d bytes, %v", n, err)
			}
		})
	}
}
