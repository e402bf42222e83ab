package record

// services are the names of ports that ss and netstat print without -n, as far as every distribution agrees on them. Names such as http-alt stand for
// different ports on different systems and are not read.
var services = map[string]uint16{
	"ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "http": 80, "www": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111,
	"auth": 113, "nntp": 119, "ntp": 123, "imap": 143, "imap2": 143, "snmp": 161, "bgp": 179, "ldap": 389, "https": 443, "microsoft-ds": 445,
	"submissions": 465, "shell": 514, "printer": 515, "submission": 587, "ipp": 631, "ldaps": 636, "domain-s": 853, "rsync": 873,
	"imaps": 993, "pop3s": 995, "ms-sql-s": 1433, "ms-sql-m": 1434, "nfs": 2049, "iscsi-target": 3260, "mysql": 3306, "ms-wbt-server": 3389,
	"svn": 3690, "epmd": 4369, "sip": 5060, "sip-tls": 5061, "xmpp-client": 5222, "xmpp-server": 5269, "postgresql": 5432,
	"amqps": 5671, "amqp": 5672, "x11": 6000, "redis": 6379, "git": 9418,
}
