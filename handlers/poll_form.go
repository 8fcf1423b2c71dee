package handlers

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"inkwell/db"
)

// Limits of a poll, in code points and options.
const (
	maxQuestion = 200
	maxOption   = 100
	minOptions  = 2
	maxOptions  = 120
)

// closesLayout is how a field for date and time writes what was chosen.
const closesLayout = "2006-01-02T15:04"

// pollInUse says why a poll can be changed no more.
const pollInUse = "Somebody has voted, so the question and its options stay as they are. The poll can be closed on the page of the post."

// A pollForm is what poll-form.html shows: the poll of a post as it was typed.
type pollForm struct {
	FormID   string // of the form of the post
	Question string
	Options  string // one a line
	Closes   string // in UTC, as closesLayout
	Locked   string // why nothing can be changed; "": it can

	QuestionProblem, OptionsProblem, ClosesProblem string
	Focus                                          string // the field that gets it; "": none

	sent   bool        // the fields were in the form
	stored db.PollText // the poll as it stands
	public bool        // the post is published already
}

// The fields that can have the focus.
const (
	focusQuestion = "question"
	focusOptions  = "options"
	focusCloses   = "closes"
)

// A pollProblems says what is wrong with the fields of a poll; "" is nothing.
type pollProblems struct{ question, options, closes string }

// Open reports whether the fields are shown at once.
func (f pollForm) Open() bool { return f.Question+f.Options+f.Closes != "" || f.Focus != "" }

// newPollForm holds the poll of a post as it stands.
func newPollForm(formID string, text db.PollText, votes int64, public bool) pollForm {
	f := pollForm{FormID: formID, Question: text.Question, Options: strings.Join(text.Options, "\n"), Closes: closesField(text.ClosesAt), stored: text, public: public}
	if votes > 0 {
		f.Locked = pollInUse
	}
	return f
}

// closesField is a time as its field has it; no time is "".
func closesField(t db.Time) string {
	if t == 0 {
		return ""
	}
	return t.Time().Format(closesLayout)
}

// fill puts into the form what was typed. A form without these fields says
// nothing of the poll.
func (f *pollForm) fill(values url.Values) {
	if !values.Has("poll_question") {
		return
	}
	f.sent = true
	f.Question = cleanTitle(values.Get("poll_question"))
	f.Options = cleanContent(values.Get("poll_options"))
	f.Closes = strings.TrimSpace(values.Get("poll_closes"))
}

// read returns the poll of the form, nil when it says nothing of it, or what is
// wrong with it. The poll without question and options is none.
func (f pollForm) read(publish bool, now time.Time) (*db.PollText, pollProblems) {
	if !f.sent {
		return nil, pollProblems{}
	}
	text := &db.PollText{Question: f.Question, Options: f.options()}
	var p pollProblems
	text.ClosesAt, p.closes = f.closesAt(publish, now)
	if f.Question == "" && len(text.Options) == 0 && f.Closes == "" {
		return text, pollProblems{}
	}
	p.question, p.options = questionProblem(f.Question), optionsProblem(text.Options)
	if f.Locked != "" { // the database compares
		p = pollProblems{}
	}
	return text, p
}

// options are the lines that hold one.
func (f pollForm) options() []string {
	var options []string
	for line := range strings.SplitSeq(f.Options, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			options = append(options, line)
		}
	}
	return options
}

// closesAt reads when the poll is to close, 0 for never. A time that has passed
// may only stay where it stands: not in what is to be published.
func (f pollForm) closesAt(publish bool, now time.Time) (db.Time, string) {
	switch {
	case f.Closes == "":
		return 0, ""
	case f.Closes == closesField(f.stored.ClosesAt) && (f.public || !publish):
		return f.stored.ClosesAt, ""
	}
	t, err := time.Parse(closesLayout, f.Closes)
	switch {
	case err != nil:
		return 0, "Write the time as " + now.UTC().AddDate(0, 0, 7).Format(closesLayout) + ", or leave it empty."
	case !t.After(now):
		return 0, "That time has passed: it is " + now.UTC().Format("2 January 2006, 15:04 UTC") + ". Choose a later one, or leave it empty."
	}
	return db.TimeOf(t), ""
}

func questionProblem(question string) string {
	if problem := textProblem(question, maxQuestion); problem != "" {
		return problem
	}
	switch {
	case !isVisible(question):
		return "A poll needs a question. To have no poll, empty its other fields."
	case strings.ContainsAny(question, lineBreaks):
		return "A question is one line."
	}
	return ""
}

func optionsProblem(options []string) string {
	switch n := len(options); {
	case n < minOptions:
		return fmt.Sprintf("A poll needs %d options at least, one per line.", minOptions)
	case n > maxOptions:
		return fmt.Sprintf("These are %d options; the limit is %d.", n, maxOptions)
	}
	seen := map[string]bool{}
	for i, option := range options {
		if problem := textProblem(option, maxOption); problem != "" {
			return fmt.Sprintf("Option %d: %s", i+1, problem)
		}
		if !isVisible(option) {
			return fmt.Sprintf("Nothing of option %d can be seen. Write one, or remove the line.", i+1)
		}
		key := strings.ToLower(option)
		if seen[key] {
			return fmt.Sprintf("“%s” is there twice. Remove one.", option)
		}
		seen[key] = true
	}
	return ""
}

// prepareForm returns what a form holds as it is stored, or what is wrong with
// it.
func (s *Server) prepareForm(f postForm) (db.PostContent, *db.PollText, fieldProblems) {
	content, problems := s.prepare(f.postText)
	poll, pollProblems := f.Poll.read(f.Published, time.Now())
	problems.poll = pollProblems
	return content, poll, problems
}

// lock says of a poll that was to be changed that it cannot be, not any more.
func (f *pollForm) lock() {
	f.Locked, f.Focus = pollInUse+" What you typed for it is not kept: save again to keep the rest.", focusQuestion
}

// refuse says at each field what is wrong, and moves the focus to the first
// that is.
func (f *pollForm) refuse(p pollProblems) {
	f.QuestionProblem, f.OptionsProblem, f.ClosesProblem = p.question, p.options, p.closes
	for _, field := range []*string{&f.Question, &f.Options, &f.Closes} {
		*field = strings.ToValidUTF8(*field, "�")
	}
	switch {
	case p.question != "":
		f.Focus = focusQuestion
	case p.options != "":
		f.Focus = focusOptions
	case p.closes != "":
		f.Focus = focusCloses
	}
}
