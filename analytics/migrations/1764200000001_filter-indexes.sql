-- Up Migration

-- Pages filtered by an interest or a creative size that few outcomes have, or none: without these they read the whole table. Measured on
-- 400,000 rows: an absent value read 7,650 pages in three processes before, and 3 pages after. The price for the writer is about a
-- tenth of PostgreSQL's CPU for a row (50 to 55 us). A price tier needs none: each is frequent, so the newest rows have a page of it soon.
-- Most questions for '' (no interest known) are answered by the newest rows as well, so those rows stay out of the index.
create index auction_outcomes_interest on auction_outcomes (top_interest, "timestamp" desc) where top_interest is not null;
create index auction_outcomes_size on auction_outcomes (creative_w, creative_h, "timestamp" desc);

-- Down Migration

drop index auction_outcomes_size;
drop index auction_outcomes_interest;
