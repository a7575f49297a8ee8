-- One statement for all requests that came while the one before was under way (queries/progress.sql, in_titles).
--
--   :players    text[]    whose
--   :title_ids  bigint[]  in which title; one for each player
--   :known      bigint[]  the revision that the caller holds, -1 for none; one for each player
SELECT
    k.question,
    p.revision,
    CASE WHEN p.revision > k.known THEN p.unlocked END AS unlocked,
    CASE WHEN p.revision > k.known THEN p.unlocked_at END AS unlocked_at,
    CASE WHEN p.revision > k.known THEN p.unlocked_in END AS unlocked_in,
    CASE WHEN p.revision > k.known THEN p.currents END AS currents
FROM
    unnest(:players::text[], :title_ids::bigint[], :known::bigint[])
    WITH ORDINALITY AS k (player, title_id, known, question)
INNER JOIN progress AS p ON k.player = p.player AND k.title_id = p.title_id;
