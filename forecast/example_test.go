package forecast_test

import (
	"fmt"
	"time"

	"github.com/closewait/closewait/forecast"
	"github.com/closewait/closewait/tcp"
)

// netstat shows "on (110.84/13/0)" for a socket whose peer has vanished.
func ExampleModel_Ends() {
	m := forecast.Model{Limits: forecast.Defaults(), Clock: forecast.Clock{HZ: 250}}
	s := tcp.Socket{
		State: tcp.CloseWait, Inode: 4711,
		Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Count: 13, Expires: 110840 * time.Millisecond},
	}
	ends := m.Ends(&s)
	fmt.Println(ends.Kind, ends.Best.Round(10*time.Second), ends.By, ends.Error, ends.Limit.Name, ends.Limit.Time)
	// Output: at 5m50s retransmission ETIMEDOUT tcp_retries2 15m24.6s
}

func ExampleModel_If() {
	m := forecast.Model{Limits: forecast.Defaults(), Clock: forecast.Clock{HZ: 250}}
	s := tcp.Socket{
		State: tcp.CloseWait, Inode: 4711,
		Timer: tcp.Timer{Kind: tcp.TimerRetransmit, Count: 13, Expires: 110840 * time.Millisecond},
	}
	lower, _ := forecast.ParseChange("tcp_retries2=5")
	changed := m.If(lower)
	fmt.Println(changed.Ends(&s).Best.Round(10*time.Second), "-", lower.Reach())
	// Output: 1m50s - all sockets of the namespace, from their next time-out on
}

func ExampleTimeout() {
	fmt.Println(forecast.Timeout(15, 0), forecast.Timeout(8, 0), forecast.Timeout(15, time.Second))
	// Output: 15m24.6s 1m42.2s 14.4s
}

func ExampleTable() {
	for _, row := range forecast.Table(forecast.Path{RTT: 100 * time.Millisecond})[6:9] {
		fmt.Println(row.Retries2, row.Model, row.FromSend.Round(time.Second))
	}
	// Output:
	// 6 25.4s 40s
	// 7 51s 1m19s
	// 8 1m42.2s 2m37s
}

func ExampleOf() {
	fmt.Println(forecast.Of(&tcp.Socket{State: tcp.CloseWait, Inode: 4711}).Reason)
	// Output: no kernel timer runs, so the socket stays until the program closes it
}
