package report

// SettingList is the document of "closewait tune" without settings.
type SettingList struct {
	Header
	// Loader is the program that gives settings their values at boot: "systemd-sysctl" or "sysctl --system"; null where none was seen, and boot is null then.
	Loader   *string          `json:"loader"`
	Managers []SettingManager `json:"managers"`
	Settings []Setting        `json:"settings"`
}

// SettingManager is a program that writes settings by itself, and the file that shows it.
type SettingManager struct {
	Name   string `json:"name"`
	Sign   string `json:"sign"`
	Detail string `json:"detail"`
}

// Setting is a sysctl in one network namespace.
type Setting struct {
	Key     string  `json:"key"`
	Netns   *Netns  `json:"netns"`
	Value   Value   `json:"value"`   // null when it could not be read
	Default Value   `json:"default"` // null where it depends on the host
	Unit    string  `json:"unit"`
	Min     int64   `json:"min"`
	Max     int64   `json:"max"`
	Scope   string  `json:"scope"` // "netns" or "host"
	Since   *string `json:"since"`
	Touches string  `json:"touches"`
	// Boot is what the next boot makes of it, for the host's namespace.
	Boot *SettingBoot `json:"boot"`
	// OtherNetns counts the other namespaces by the value they have.
	OtherNetns []SettingCount `json:"other_netns"`
}

// SettingBoot is the value a setting will have after the next boot, and the line that says so; null where the kernel's default stays.
type SettingBoot struct {
	Value Value   `json:"value"`
	File  *string `json:"file"`
	Line  *int    `json:"line"`
}

// SettingCount is a value and the number of namespaces that have it.
type SettingCount struct {
	Value Value `json:"value"`
	Count int   `json:"count"`
}
