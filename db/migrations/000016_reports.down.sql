DROP INDEX reports_post;
