-- Histories name editors by random pseudonyms, so that erasing a person breaks the link without changing a history.
--
-- The service of before goes on while this runs: it writes names as it did, and the triggers replace them. Statements
-- that write many rows ask for the pseudonym once, and no trigger runs for them.

SET LOCAL lock_timeout = '2s';
SET LOCAL statement_timeout = '600s';

-- A pseudonym begins with a control character, which no name has.
CREATE FUNCTION is_pseudonym(who text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT left(who, 1) = chr(1)
$$;

-- Who a pseudonym stands for. A pseudonym without a row is of somebody who was erased.
CREATE TABLE editor (
    editor_id text COLLATE "C" NOT NULL DEFAULT chr(1) || gen_random_uuid()::text,
    name text COLLATE "C" NOT NULL,
    CONSTRAINT editor_pkey PRIMARY KEY (editor_id),
    CONSTRAINT name_has_one_pseudonym UNIQUE (name),
    CONSTRAINT editor_id_is_a_pseudonym CHECK (is_pseudonym(editor_id)),
    CONSTRAINT name_is_no_pseudonym CHECK (NOT is_pseudonym(name))
);

-- The pseudonym of a name, which gets one the first time; a pseudonym stays as it is.
CREATE FUNCTION editor_pseudonym(who text) RETURNS text
LANGUAGE plpgsql STRICT AS $$
DECLARE
    found_id text;
BEGIN
    IF is_pseudonym(who) THEN
        RETURN who;
    END IF;
    SELECT e.editor_id INTO found_id FROM editor AS e WHERE e.name = who;
    IF found_id IS NULL THEN
        INSERT INTO editor (name) VALUES (who) ON CONFLICT (name) DO NOTHING;
        SELECT e.editor_id INTO found_id FROM editor AS e WHERE e.name = who;
    END IF;
    RETURN found_id;
END
$$;

-- Who a pseudonym stands for, to show it.
CREATE FUNCTION editor_name(pseudonym text) RETURNS text
LANGUAGE plpgsql STABLE STRICT AS $$
BEGIN
    RETURN coalesce((SELECT e.name FROM editor AS e WHERE e.editor_id = pseudonym), 'erased');
END
$$;

-- Overrides {rule: {"by": who, "reason": why}} with pseudonyms instead of names, and the reverse.
CREATE FUNCTION overrides_with_pseudonyms(overrides jsonb) RETURNS jsonb
LANGUAGE sql STRICT AS $$
    SELECT coalesce(jsonb_object_agg(o.key, o.value || jsonb_build_object('by', editor_pseudonym(o.value ->> 'by'))), '{}')
    FROM jsonb_each(overrides) AS o
$$;

CREATE FUNCTION overrides_with_names(overrides jsonb) RETURNS jsonb
LANGUAGE sql STABLE STRICT AS $$
    SELECT coalesce(jsonb_object_agg(o.key, o.value || jsonb_build_object('by', editor_name(o.value ->> 'by'))), '{}')
    FROM jsonb_each(overrides) AS o
$$;

CREATE FUNCTION store_pseudonyms_of_editors() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    new.actor := editor_pseudonym(new.actor);
    IF tg_table_name = 'import_batch' THEN
        new.applied_by := editor_pseudonym(new.applied_by);
    ELSIF tg_table_name IN ('text', 'text_revision') THEN
        IF new.overrides <> '{}' THEN
            new.overrides := overrides_with_pseudonyms(new.overrides);
        END IF;
    END IF;
    RETURN new;
END
$$;

-- What is there already. The histories change this once, and their triggers hold again when the migration commits.
ALTER TABLE text_revision DISABLE TRIGGER text_revision_is_a_history;
ALTER TABLE publication DISABLE TRIGGER publication_is_a_history;

UPDATE text SET actor = editor_pseudonym(actor), overrides = overrides_with_pseudonyms(overrides) WHERE TRUE;
UPDATE text_revision SET actor = editor_pseudonym(actor), overrides = overrides_with_pseudonyms(overrides) WHERE TRUE;
UPDATE publication SET actor = editor_pseudonym(actor) WHERE TRUE;
UPDATE scheduled_publish SET actor = editor_pseudonym(actor) WHERE TRUE;
UPDATE import_batch SET actor = editor_pseudonym(actor), applied_by = editor_pseudonym(applied_by) WHERE TRUE;

ALTER TABLE text_revision ENABLE TRIGGER text_revision_is_a_history;
ALTER TABLE publication ENABLE TRIGGER publication_is_a_history;

CREATE TRIGGER text_names_no_editor
BEFORE INSERT OR UPDATE OF actor, overrides ON text
FOR EACH ROW WHEN (NOT is_pseudonym(new.actor) OR new.overrides <> '{}') EXECUTE FUNCTION store_pseudonyms_of_editors();

CREATE TRIGGER text_revision_names_no_editor
BEFORE INSERT ON text_revision
FOR EACH ROW WHEN (NOT is_pseudonym(new.actor) OR new.overrides <> '{}') EXECUTE FUNCTION store_pseudonyms_of_editors();

CREATE TRIGGER publication_names_no_editor
BEFORE INSERT ON publication
FOR EACH ROW EXECUTE FUNCTION store_pseudonyms_of_editors();

CREATE TRIGGER scheduled_publish_names_no_editor
BEFORE INSERT OR UPDATE OF actor ON scheduled_publish
FOR EACH ROW EXECUTE FUNCTION store_pseudonyms_of_editors();

CREATE TRIGGER import_batch_names_no_editor
BEFORE INSERT OR UPDATE OF actor, applied_by ON import_batch
FOR EACH ROW EXECUTE FUNCTION store_pseudonyms_of_editors();
