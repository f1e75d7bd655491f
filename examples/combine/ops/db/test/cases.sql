-- Rows that the tests of the application begin with. Each statement leaves alone what is there already, so that running
-- this twice changes nothing; lockgate runs it twice and rolls back where that is not so.

insert into users (email, display_name)
values ('first@test.example', 'First'), ('second@test.example', 'Second; with a semicolon')
on conflict (lower(email)) do nothing;

insert into projects (slug, name, owner_id)
select 'empty', 'Without documents', id from users where email = 'first@test.example'
on conflict (slug) do nothing;

insert into projects (slug, name, owner_id)
select 'full', 'With one document of each type', id from users where email = 'second@test.example'
on conflict (slug) do nothing;

insert into documents (project_id, title, type_code, labels)
select projects.id, 'a ' || document_types.code, document_types.code, '{"made": "for tests"}'
from projects, document_types
where projects.slug = 'full'
  and not exists (select from documents where project_id = projects.id and type_code = document_types.code);
