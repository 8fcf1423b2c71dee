DROP INDEX posts_of_author;
DROP TABLE profiles;
