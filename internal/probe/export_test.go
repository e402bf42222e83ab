package probe

// Firing is what is made of the slot of a timer.
var Firing = firing

// Ways are the ways to list descriptors, by name.
func Ways() map[string]func(room int) (*Holders, error) {
	return map[string]func(int) (*Holders, error){
		"tables": func(room int) (*Holders, error) {
			t, err := openTables(room)
			return &Holders{way: t}, err
		},
		"tables in many passes": func(room int) (*Holders, error) {
			t, err := openTables(room)
			if err == nil {
				t.words = 2
			}
			return &Holders{way: t}, err
		},
		"files": func(int) (*Holders, error) {
			f, err := openFiles()
			return &Holders{way: f}, err
		},
	}
}
