package handlers

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"inkwell/db"
	"inkwell/db/dbtest"
)

// closing makes a published post with a poll that closes after a time; 0: never.
func (s *testSite) closing(title string, after time.Duration) db.Post {
	s.t.Helper()
	params := newPostParams(s.user(ada), postText{Title: title, Published: true}, s.mustRender(""), "")
	params.Poll = &db.PollText{Question: "Which?", Options: []string{"Red", "Green"}}
	if after != 0 {
		params.Poll.ClosesAt = db.TimeOf(time.Now().Add(after))
	}
	post, err := s.db.CreatePost(s.t.Context(), params)
	if err != nil {
		s.t.Fatal(err)
	}
	return post
}

// Open pages hear of a poll when it closes: to the millisecond, once, in order,
// and also of one whose time was set later.
func TestPollsCloseInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		site := newSite(t)
		_, late, soon := site.closing("Never", 0), site.closing("Late", 3*time.Hour), site.closing("Soon", time.Minute)
		heard, _ := site.hub.Subscribe(site.hub.Last())
		site.loops.Go(site.tellClosings)
		synctest.Wait()
		hears := func(after time.Duration, posts ...db.Post) {
			t.Helper()
			time.Sleep(after - time.Millisecond)
			synctest.Wait()
			if early, err := heard.Take(); err != nil || len(early) > 0 {
				t.Fatalf("too early: %v, %v", early, err)
			}
			time.Sleep(time.Millisecond)
			synctest.Wait()
			got, err := heard.Take()
			if err != nil || len(got) != len(posts) {
				t.Fatalf("after %s: %d changes, %v; want %d", after, len(got), err, len(posts))
			}
			for i, post := range posts {
				if *got[i] != (change{kind: pollChanged, post: post.ID}) {
					t.Errorf("after %s: %v, want post %d", after, *got[i], post.ID)
				}
			}
		}
		hears(time.Minute, soon)
		sooner, same := site.closing("Sooner", time.Second), site.closing("Same", time.Second)
		site.publishPost(sooner.ID, false, false) // as the handler does; drafts count too
		hears(time.Second, sooner, same)
		hears(3*time.Hour-time.Minute-time.Second, late)
		hears(24 * time.Hour)
	})
}

// Who looks at a poll when it closes sees how the votes stand, and cannot vote
// any more.
func TestClosedPollIsSeen(t *testing.T) {
	site := newSite(t)
	server := site.serveLive()
	post := site.closing("Soon", time.Second)
	l := site.as(grace).listen(server, site.page(post))
	site.loops.Go(site.tellClosings)
	if seen := l.until("poll-1"); !strings.Contains(seen, "Closed <time") || !strings.Contains(seen, "0 votes") || strings.Contains(seen, "<button") {
		t.Errorf("a member sees %s", seen)
	}
}

// What cannot be looked up is looked up again.
func TestClosingsAfterFailure(t *testing.T) {
	site := newSite(t)
	post := site.closing("Soon", -time.Second)
	heard, _ := site.hub.Subscribe(site.hub.Last())
	since := db.TimeOf(time.Now()).Add(-time.Minute)
	for _, column := range []string{"post_id", "closes_at"} { // without the first it is known still when the next poll closes
		dbtest.Exec(t, site.db, "ALTER TABLE polls RENAME COLUMN "+column+" TO away")
		if told, wait := site.publishClosings(since); told != since || wait != closingsLook {
			t.Errorf("without %s it goes on after %d in %s, want %d and in a minute", column, told, wait, since)
		}
		dbtest.Exec(t, site.db, "ALTER TABLE polls RENAME COLUMN away TO "+column)
	}
	if n := strings.Count(site.log.String(), "do not hear which polls have closed"); n != 2 {
		t.Errorf("the log says so %d times, want 2:\n%s", n, site.log)
	}
	site.publishClosings(since)
	if changes, err := heard.Take(); err != nil || len(changes) != 1 || changes[0].post != post.ID {
		t.Errorf("the changes are %v, %v; want one", changes, err)
	}
}
