package handlers

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"inkwell/clerk"
	"inkwell/db"
)

//go:embed demo
var demoFiles embed.FS

// WriteDemo fills a database in which nobody has ever been with users and posts
// to look at. The users write in turns, and every other one votes.
func (s *Server) WriteDemo(ctx context.Context, users []clerk.User) error {
	if found, err := s.db.HasUsers(ctx); found || err != nil {
		return err
	}
	var authors []db.User
	for _, user := range users {
		author, err := s.db.SaveUser(ctx, userData(user))
		if err != nil {
			return err
		}
		authors = append(authors, author)
	}
	if len(authors) == 0 {
		return nil
	}
	files, err := fs.Glob(demoFiles, "demo/*.md")
	if err != nil {
		return err
	}
	slices.Reverse(files) // the first is to be on top
	for i, file := range files {
		post, err := s.writeDemoPost(ctx, authors[i%len(authors)], file)
		if err == nil {
			err = s.voteInDemo(ctx, post.ID, authors)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// writeDemoPost writes a file whose first line is the title.
func (s *Server) writeDemoPost(ctx context.Context, author db.User, file string) (db.Post, error) {
	text, err := demoFiles.ReadFile(file)
	if err != nil {
		return db.Post{}, err
	}
	title, content, _ := strings.Cut(string(text), "\n")
	post := postText{Title: strings.TrimSpace(strings.TrimPrefix(title, "#")), Content: strings.TrimSpace(content), Published: true}
	rendered, err := s.rendered(post.Content)
	if err != nil {
		return db.Post{}, err
	}
	params := newPostParams(author, post, rendered, "")
	if params.Poll, err = demoPoll(strings.TrimSuffix(file, ".md") + ".txt"); err != nil {
		return db.Post{}, err
	}
	return s.db.CreatePost(ctx, params)
}

// demoPoll reads a file of a question and of its options, each a line. Without
// the file there is no poll.
func demoPoll(file string) (*db.PollText, error) {
	text, err := demoFiles.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return &db.PollText{Question: lines[0], Options: lines[1:]}, err
}

// voteInDemo has every other user vote, for options that lie apart.
func (s *Server) voteInDemo(ctx context.Context, postID int64, users []db.User) error {
	options, err := s.db.ListPollOptions(ctx, postID)
	if err != nil || len(options) == 0 {
		return err
	}
	for i := 1; i < len(users); i += 2 {
		vote := db.VoteParams{PostID: postID, UserID: users[i].ID, OptionID: options[(i/2*73+5)%len(options)].ID}
		if _, err := s.db.Vote(ctx, vote); err != nil {
			return err
		}
	}
	return nil
}
