DROP INDEX polls_closings;
