-- Which poll closes next is looked up whenever a post changes.
CREATE INDEX polls_closings ON polls (closes_at) WHERE closes_at IS NOT NULL;
