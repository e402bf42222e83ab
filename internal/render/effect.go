package render

// cause is the finding that explains this one, nil when there is none in the report.
func (f finding) cause() *finding {
	if f.CausedBy == nil || *f.CausedBy == f.ID {
		return nil
	}
	for i := range f.page.report.Findings {
		if other := &f.page.report.Findings[i]; other.ID == *f.CausedBy {
			return &finding{other, f.page}
		}
	}
	return nil
}

// effects are the findings that this one explains, directly or through others, in their order.
func (f finding) effects() (effects []finding) {
	for i := range f.page.report.Findings {
		other := finding{&f.page.report.Findings[i], f.page}
		for range f.page.report.Findings { // no chain is longer, and none is trusted to end
			cause := other.cause()
			if cause == nil {
				break
			}
			if cause.ID == f.ID {
				effects = append(effects, finding{&f.page.report.Findings[i], f.page})
				break
			}
			other = *cause
		}
	}
	return effects
}

// mostEffects is how many of them a screen names.
const mostEffects = 2

// outcome has a line for each of the findings that this one explains.
func (f finding) outcome() []line {
	var lines []line
	effects := f.effects()
	for i, effect := range effects {
		if i == mostEffects && f.page.Height > 0 {
			return join(lines, f.labelled("", "and "+Thousands(len(effects)-i)+" more", 1))
		}
		lines = join(lines, f.labelled(first(i, "so"), effect.brief(), 2))
	}
	return lines
}

// brief names a finding in a sentence.
func (f finding) brief() string { return f.page.text(f.Code) + " " + f.headline() }
