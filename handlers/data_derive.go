package handlers

import "inkwell/db"

// derive adds to a change what the program keeps beside the columns that it
// writes, and returns what is wrong with these, by column. Current is the row as
// it is; nil: it is new.
func (s *Server) derive(c *db.RowChange, current map[string]any) map[string]string {
	switch {
	case len(c.Values) == 0:
		return nil
	case c.Table.Name == "posts":
		return s.derivePost(c, current)
	case c.Table.Name == "profiles":
		return s.deriveProfile(c)
	}
	return nil
}

// derivePost holds a post against the rules for what authors write, and renders
// its content.
func (s *Server) derivePost(c *db.RowChange, current map[string]any) map[string]string {
	if title, ok := c.Values["title"].(string); ok {
		c.Values["title"] = cleanTitle(title)
	}
	value := func(column string) any {
		if v, ok := c.Values[column]; ok {
			return v
		}
		return current[column]
	}
	text := postText{Published: value("published") == int64(1)}
	text.Title, _ = value("title").(string)
	text.Content, _ = value("content").(string)
	content, problems := s.prepare(text)
	if problems != (fieldProblems{}) {
		return map[string]string{"title": problems.title, "content": problems.content}
	}
	if _, ok := c.Values["content"]; ok {
		c.Derived = map[string]any{"content_html": content.HTML, "excerpt": content.Excerpt, "render_version": content.RenderVersion}
	}
	return nil
}

// deriveProfile renders a bio.
func (s *Server) deriveProfile(c *db.RowChange) map[string]string {
	source, ok := c.Values["bio"].(string)
	if !ok {
		return nil
	}
	bio, wrong := s.prepareBio(source)
	if wrong != "" {
		return map[string]string{"bio": wrong}
	}
	c.Derived = map[string]any{"bio_html": bio.HTML, "render_version": bio.RenderVersion}
	return nil
}
