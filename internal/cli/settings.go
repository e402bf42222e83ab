package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/closewait/closewait/internal/host"
	"github.com/closewait/closewait/internal/look"
	"github.com/closewait/closewait/internal/report"
	"github.com/closewait/closewait/internal/setting"
)

// settings lists the settings with the values they have, begin with and will have after the next boot.
func (a *app) settings(ctx context.Context, f *tuneFlags) error {
	if f.persist || f.as != "" || f.save != "" || f.yes {
		return usageError("closewait tune tcp_retries2=8", "tune needs KEY=VALUE to change anything")
	}
	all := setting.All()
	keys := make([]string, len(all))
	for i, s := range all {
		keys[i] = s.Key()
	}
	chosen, others, unread, err := host.New(a.cfg.Now).Settings(ctx, a.flags.netns, keys)
	if err != nil {
		return lookError(err)
	}
	doc := report.SettingList{Header: a.header("SettingList"), Managers: []report.SettingManager{}, Settings: []report.Setting{}}
	boot, err := host.Boot(a.cfg.root(), all, nil)
	if err != nil {
		doc.Incomplete = append(doc.Incomplete, report.Incomplete{Code: "boot", Message: err.Error()})
	}
	if unread > 0 {
		doc.Incomplete = append(doc.Incomplete, report.Incomplete{Code: "CW502", Message: fmt.Sprintf("network namespaces that could not be looked into: at least %d", unread), Remedy: "run as root"})
	}
	if boot.Loader != "" {
		doc.Loader = &boot.Loader
	}
	for _, m := range boot.Managers {
		doc.Managers = append(doc.Managers, report.SettingManager(m))
	}
	for i := range chosen {
		for k := range all {
			doc.Settings = append(doc.Settings, settingOf(&all[k], &chosen[i], others, &boot, &boot.Values[k]))
		}
	}
	return a.settingTable(&doc, len(chosen) > 1)
}

func settingOf(s *setting.Setting, here *look.Settings, others []look.Settings, boot *look.Boot, value *look.BootValue) report.Setting {
	r := report.Setting{
		Key: s.Key(), Netns: netnsOf(here), Unit: s.Unit.String(), Min: s.Min, Max: s.Max, Scope: s.Scope.String(), Touches: s.Touches,
		Value: valueOf(here, s), OtherNetns: countValues(others, s),
	}
	if s.Default >= 0 {
		r.Default = report.Integer(s.Default)
	}
	if s.Since != "" {
		r.Since = &s.Since
	}
	if boot.Loader == "" {
		return r
	}
	r.Boot = &report.SettingBoot{Value: r.Default}
	if w := value.Winner; w != nil {
		r.Boot = &report.SettingBoot{Value: report.SysctlValue(value.Value), File: &w.File, Line: &w.Number}
	}
	return r
}

func netnsOf(s *look.Settings) *report.Netns {
	n := &report.Netns{Inode: s.Inode}
	if s.Name != "" {
		n.Name = &s.Name
	}
	if s.PID != 0 {
		n.PID = &s.PID
	}
	return n
}

func valueOf(s *look.Settings, of *setting.Setting) report.Value {
	if value, there := s.Values[of.Key()]; there {
		return report.SysctlValue(value)
	}
	return ""
}

// countValues counts the namespaces by their values, the most frequent first.
func countValues(others []look.Settings, of *setting.Setting) []report.SettingCount {
	counts := []report.SettingCount{}
	for i := range others {
		value := valueOf(&others[i], of)
		if value == "" {
			continue
		}
		k := slices.IndexFunc(counts, func(c report.SettingCount) bool { return c.Value == value })
		if k < 0 {
			k = len(counts)
			counts = append(counts, report.SettingCount{Value: value})
		}
		counts[k].Count++
	}
	slices.SortStableFunc(counts, func(a, b report.SettingCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Value, b.Value))
	})
	return counts
}

func (a *app) settingTable(doc *report.SettingList, several bool) error {
	for _, n := range doc.Incomplete {
		a.note("%s", n.Message)
	}
	names := make([]string, len(doc.Settings))
	for i := range doc.Settings {
		names[i] = doc.Settings[i].Key
	}
	return a.documents(doc, names, func() (titles []string, rows [][]string) { return a.settingRows(doc, several) })
}

func (a *app) settingRows(doc *report.SettingList, several bool) (titles []string, rows [][]string) {
	titles = []string{"setting", "value", "default", "boot", "from", "others", "unit"}
	if several {
		titles = append(titles, "namespace")
	}
	for i := range doc.Settings {
		s := &doc.Settings[i]
		key := s.Key
		if a.tabular() { // people have 80 columns
			key = key[strings.LastIndexByte(key, '.')+1:]
		}
		row := []string{key, shownValue(s.Value), shownValue(s.Default), "", "", otherValues(s), s.Unit}
		if s.Boot != nil {
			row[3] = shownValue(s.Boot.Value)
			if s.Boot.File != nil {
				row[4] = *s.Boot.File + ":" + strconv.Itoa(*s.Boot.Line)
			}
		}
		if several {
			row = append(row, namespaceName(s.Netns))
		}
		rows = append(rows, row)
	}
	return titles, rows
}

func shownValue(v report.Value) string {
	if v == "" {
		return ""
	}
	return v.String()
}

// otherValues says what other namespaces have, where that is not the same.
func otherValues(s *report.Setting) string {
	differ, total := 0, 0
	for _, c := range s.OtherNetns {
		total += c.Count
		if c.Value != s.Value {
			differ += c.Count
		}
	}
	if total == 0 || differ == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d differ", differ, total)
}

func namespaceName(n *report.Netns) string {
	if n.Name != nil {
		return *n.Name
	}
	return fmt.Sprintf("net:[%d]", n.Inode)
}
