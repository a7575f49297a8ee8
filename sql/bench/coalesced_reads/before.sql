-- One statement a request: what one player has in one title.
--
--   :player    text
--   :title_id  bigint
SELECT
    p.revision,
    p.unlocked,
    p.unlocked_at,
    p.unlocked_in,
    p.currents
FROM progress AS p
WHERE p.player = :player AND p.title_id = :title_id;
