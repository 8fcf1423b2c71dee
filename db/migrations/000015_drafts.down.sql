DROP INDEX posts_drafts;
