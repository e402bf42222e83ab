package lab

import "time"

var userTimeout = Scene{
	Name: "user-timeout", Title: "TCP_USER_TIMEOUT ends one connection early",
	Teaches: `The option of one socket overrides tcp_retries2 for it. It bites when a timer
fires, not in between.`,
	stuck: true,
	takes: []string{UserTimeoutFlag},
	play: func(p *Play) {
		p.Cable()
		server, client := p.connection()
		if p.Settings.UserTimeout == 0 {
			p.Settings.UserTimeout = 8 * time.Second // time enough to do something about it on a busy host
		}
		server.Do("user-timeout %d", p.Settings.UserTimeout.Milliseconds())
		p.vanish()
		server.Do("write 200")
		server.Do("await")
		p.stalled(server, client, "", told(server))
	},
	programs: map[string]func(*Program){"owner": owner},
}
