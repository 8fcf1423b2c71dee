DROP TABLE renderings;
DROP TABLE posts;
