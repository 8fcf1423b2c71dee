package db

import (
	"slices"
	"strings"
)

// Rules are what the schema does not say of a table: that the program itself
// keeps it, or a part of it, in order. Each says why, for who would change it.
type rules struct {
	lookOnly string            // nothing can be changed
	kept     string            // no row can be added or deleted
	readOnly map[string]string // why a column cannot be written
	others   string            // the same of all columns that have no note
	notes    map[string]string // what writing to a column does besides
	madeFrom map[string]string // the column that another is made from
	secret   []string          // columns that nobody is shown
}

// rulesOf returns the rules of a table of that name and kind.
func rulesOf(name, kind string) rules {
	switch {
	case kind == "view":
		return rules{lookOnly: "This is a view of other tables: change the rows there."}
	case kind != "table":
		return rules{lookOnly: "This is the index of the full-text search, which follows what is written elsewhere."}
	case strings.HasPrefix(name, "sqlite_"):
		return rules{lookOnly: "SQLite itself keeps this."}
	}
	if own, ok := ownRules()[name]; ok {
		return own
	}
	return rules{lookOnly: keptByProgram}
}

// keptByProgram is why a table that has no rules cannot be changed: what
// depends on it is not known.
const keptByProgram = "The program keeps this itself."

// ownRules are the rules of the program's tables, by name.
func ownRules() map[string]rules {
	const (
		setByText   = "It is made from the text when that is saved."
		setByChange = "It is set by every change."
		formsSecret = "It is a secret between the form and its sender."
		setByHiding = "Moderators hide a post, and restore it, on its page."

		shownFromText = "What is shown to readers is made from it when you save."
	)
	return map[string]rules{
		"audit_log":         {lookOnly: "This is the log of what is changed here. Changes write it themselves."},
		"schema_migrations": {lookOnly: "It says which version of the schema this is. The program brings it up to date when it starts."},
		"moderation_log":    {lookOnly: "This is the log of what moderators do. Their acts write it themselves."},
		"reports":           {lookOnly: "Readers report posts, and moderators decide about that on the page Moderation."},
		"renderings":        {lookOnly: "The program notes here how far it is with rendering posts anew."},
		"polls":             {lookOnly: "A poll belongs to its post: the author makes it and closes it."},
		"poll_options":      {lookOnly: "The options of a poll stay as they are once there are votes, which the database counts."},
		"votes":             {lookOnly: "Votes are cast by readers, and nobody else changes or adds any."},
		"syncs":             {lookOnly: "The program notes here how it compared its users with Clerk’s, and goes on from there."},
		"ended_sessions":    {lookOnly: "The program notes here which sessions have ended: without its row one would be valid again."},
		"webhook_events":    {lookOnly: "This is what Clerk told. Try a dead letter again, or dismiss it, on the page Webhooks.", secret: []string{"body"}},
		"people":            {lookOnly: "The directory is made from the users."},
		"changed_people":    {lookOnly: "The program notes here what the directory has still to take in."},
		"changed_posts":     {lookOnly: "The program notes here what the search has still to take in."},
		"search_progress":   {lookOnly: "The program notes here how far it is with the index of the search."},
		"users": {
			kept:   "Who the users are is decided at Clerk: add or delete them in Clerk’s dashboard, and the row follows.",
			others: "Clerk says this. Change it in Clerk’s dashboard, and the row follows.",
		},
		"posts": {
			readOnly: map[string]string{
				"title_key": "It is made from the title when that is saved.", "content_html": setByText, "excerpt": setByText,
				"render_version": setByText, "updated_at": setByChange, "form_key": formsSecret, "autosaved_by": formsSecret,
				"hidden_at": setByHiding, "hidden_by": setByHiding, "hidden_reason": setByHiding,
			},
			madeFrom: map[string]string{"title_key": "title"},
			secret:   []string{"form_key", "autosaved_by"},
			notes: map[string]string{
				"content":      "Markdown. " + shownFromText,
				"published_at": "When the post is published and this is NULL, it becomes now.",
			},
		},
		"working_copies": {lookOnly: "Forms keep here what is typed into them and not sent.", secret: []string{"form_key"}},
		"profiles": {
			readOnly: map[string]string{"bio_html": setByText, "render_version": setByText, "bio_updated_at": setByText},
			notes:    map[string]string{"bio": "Markdown. " + shownFromText},
		},
	}
}

// applyRules writes the rules into the table.
func (t *Table) applyRules() {
	r := rulesOf(t.Name, t.Kind)
	t.LookOnly, t.Kept = r.lookOnly, r.kept
	writable := false
	for i := range t.Columns {
		c := &t.Columns[i]
		c.Note, c.MadeFrom, c.Secret = r.notes[c.Name], r.madeFrom[c.Name], slices.Contains(r.secret, c.Name)
		switch reason := r.readOnly[c.Name]; {
		case c.AutoKey: // a number far off would leave none for the rows to come
			c.ReadOnly = "The database gives each new row the next free number."
		case reason != "":
			c.ReadOnly = reason
		case r.others != "" && c.Note == "":
			c.ReadOnly = r.others
		}
		writable = writable || c.ReadOnly == ""
	}
	if t.LookOnly == "" && !writable {
		t.LookOnly = t.Kept
	}
}
