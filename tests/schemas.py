"""A PostgreSQL schema with something of every kind, for tests of what is read and compared."""

from __future__ import annotations

EVERYTHING = """
create extension citext;
create schema app;
comment on schema app is 'the application';
create type mood as enum ('sad', 'ok', 'happy');
create domain email as varchar(200) default 'nobody@nowhere' check (value like '%@%');
create type pair as (a integer, b text);
create sequence ticket increment 2;
create table teams (id bigint generated always as identity primary key, name varchar(100) collate "C" not null default 'x' unique);
create table users (
    id serial primary key,
    team_id bigint not null references teams on delete cascade deferrable initially deferred,
    name varchar(100) not null, city varchar(100), nick citext, address email, feels mood default 'ok',
    kind varchar(10) check (kind in ('human', 'robot')),
    born timestamp(0) with time zone, size numeric(10, 2),
    initials text generated always as (upper(name)) stored,
    constraint name_is_long check (length(name) > 2),
    constraint users_team_name_key unique (team_id, name)
);
comment on table users is 'people';
comment on column users.name is 'as spoken';
create index ix_users_name on users (name);
create index ix_users_robots on users (lower(name)) where kind = 'robot';
create unique index ux_users_nick on users (nick);
create table stays (id integer, during tsrange, exclude using gist (during with &&));
create table app.posts (id integer primary key, user_id integer references users, body text);
create unlogged table cache (key text primary key);
create table events (id integer, at date not null) partition by range (at);
create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
create index ix_events_id on events (id);
create view team_sizes as select team_id, count(*) as members from users group by team_id;
create materialized view busy as select user_id, count(*) as posts from app.posts group by user_id;
create index ix_busy on busy (posts);
create function half(a integer) returns integer language sql immutable as $$ select a / 2 $$;
create procedure tidy() language sql as $$ delete from cache $$;
create aggregate total(integer) (sfunc = int4pl, stype = integer, initcond = '0');
create function touch() returns trigger language plpgsql as $$
begin
    new.born := now();
    return new;
end $$;
create trigger users_touch before insert on users for each row execute function touch();
alter table users enable row level security;
create policy own on users for select using (name = current_user);
create rule keep as on delete to app.posts do instead nothing;
create statistics users_kinds on kind, feels from users;
grant select on users to public;
"""
