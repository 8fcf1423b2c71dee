package handlers

import (
	"context"
	"embed"
	"fmt"
	"slices"
	"strings"

	"inkwell/clerk"
	"inkwell/db"
)

//go:embed demo/*.md
var demoFiles embed.FS

// WriteDemo fills a database in which nobody has ever been with users and posts
// to look at. The users write in turns.
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
	entries, err := demoFiles.ReadDir("demo")
	if err != nil {
		return err
	}
	slices.Reverse(entries) // the first is to be on top
	for i, entry := range entries {
		if err := s.writeDemoPost(ctx, authors[i%len(authors)], "demo/"+entry.Name()); err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
	}
	return nil
}

// writeDemoPost writes a file whose first line is the title.
func (s *Server) writeDemoPost(ctx context.Context, author db.User, file string) error {
	text, err := demoFiles.ReadFile(file)
	if err != nil {
		return err
	}
	title, content, _ := strings.Cut(string(text), "\n")
	post := postText{Title: strings.TrimSpace(strings.TrimPrefix(title, "#")), Content: strings.TrimSpace(content), Published: true}
	rendered, err := s.rendered(post.Content)
	if err != nil {
		return err
	}
	_, err = s.db.CreatePost(ctx, newPostParams(author, post, rendered, ""))
	return err
}
