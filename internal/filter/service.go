package filter

import "slices"

// services are the names that may stand for ports: the ones people filter by, with the names and ports of IANA and Debian's /etc/services.
var services = map[string]uint16{
	"echo": 7, "discard": 9, "daytime": 13, "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80, "www": 80,
	"kerberos": 88, "pop3": 110, "sunrpc": 111, "ident": 113, "auth": 113, "nntp": 119, "ntp": 123, "imap2": 143, "imap": 143,
	"snmp": 161, "bgp": 179, "irc": 194, "ldap": 389, "https": 443, "microsoft-ds": 445, "submissions": 465, "shell": 514, "printer": 515,
	"submission": 587, "ipp": 631, "ldaps": 636, "domain-s": 853, "rsync": 873, "ftps": 990, "imaps": 993, "pop3s": 995,
	"socks": 1080, "ms-sql-s": 1433, "mqtt": 1883, "nfs": 2049, "zookeeper": 2181, "docker": 2375, "etcd-client": 2379, "etcd-server": 2380,
	"iscsi-target": 3260, "mysql": 3306, "rdp": 3389, "ms-wbt-server": 3389, "svn": 3690, "epmd": 4369, "sip": 5060, "sip-tls": 5061,
	"xmpp-client": 5222, "xmpp-server": 5269, "postgresql": 5432, "amqps": 5671, "amqp": 5672, "vnc": 5900, "x11": 6000, "redis": 6379,
	"http-alt": 8080, "webcache": 8080, "mqtts": 8883, "secure-mqtt": 8883, "kafka": 9092, "git": 9418, "memcached": 11211, "mongodb": 27017,
}

// serviceNames lists them in alphabetical order.
func serviceNames() []string {
	var names []string
	for name := range services {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
