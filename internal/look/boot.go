package look

// Boot is what the next boot will make of the settings of the host's network namespace.
type Boot struct {
	// Loader is the program that gives settings their values at boot: "systemd-sysctl" or "sysctl --system"; "" when it is not known, as in a container, whose files no
	// boot reads.
	Loader string      `redact:"keep"`
	Values []BootValue // of the settings that were asked about, by key
	// Managers are programs that write settings or their files by themselves, and what shows that they are here.
	Managers []Manager
}

// BootValue is what the files of sysctl.d make of one setting.
type BootValue struct {
	Key string `redact:"keep"` // "net.ipv4.tcp_retries2"
	// Winner is the line whose value stays, nil when none does: then the setting keeps the value the kernel begins with.
	Winner *BootLine
	// Value is that value as the kernel shows it, "" without a winner.
	Value string `redact:"keep"`
	// Others are the other lines about the setting, in the order in which they are read: their values do not stay.
	Others []BootLine
	// Unread are the files that could not be read and might decide otherwise.
	Unread []string `redact:"path"`
	// Default is the value the kernel begins with, "" when that is not known.
	Default string `redact:"keep"`
	// Running is the value of the host's namespace now, "" when it was not read.
	Running string `redact:"keep"`
}

// BootLine is a line of a file that gives a setting a value.
type BootLine struct {
	File    string `redact:"path"`
	Number  int
	Value   string `redact:"keep"` // as it is written
	Pattern bool   // the line names the setting by a pattern
	By      string `redact:"keep"` // the program whose mark stands in the file ("Ansible"), "" for none
}

// Manager is a program that writes settings by itself: TuneD, cloud-init, configuration management.
type Manager struct {
	Name string `redact:"keep"` // "TuneD", "Puppet", ...
	Sign string `redact:"path"` // the file that shows it
	// Detail is what is known of it: the active profile of TuneD; "" for nothing.
	Detail string `redact:"name"`
}
