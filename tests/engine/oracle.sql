-- What is right, from the raw topics alone. It shares no code with the product.
-- raw(topic, form, value): every raw record. metric(topic, scope, name, start, finish): what was told.

create or replace table cdr as
with seen as (
    select
        coalesce(value ->> 'callId', value ->> 'call_id') as call_id,
        cast(coalesce(value ->> 'endTime', value ->> 'end_time') as bigint) as finish,
        cast(coalesce(value ->> 'ansTime', value ->> 'ans_time') as bigint) as picked_up,
        cast(value ->> 'callresult' as int) as result,
        cast(coalesce(value ->> 'linkSecs', value ->> 'link_secs') as bigint) as talk,
        value ->> 'caller' as number,
        coalesce(value ->> 'projectId', value -> 'user_data' ->> 'proid') as project,
        coalesce(value ->> 'taskId', value -> 'user_data' ->> 'taskid') as task,
        coalesce(value ->> 'calledAreaname', value ->> 'called_areaname') as region,
        coalesce(value ->> 'calledVendor', value ->> 'called_vendor') as carrier
    from raw where topic = 'raw.icsoc.cdr' and value is not null
)
select * from seen where finish > 0
qualify row_number() over (partition by call_id order by finish desc, result desc, talk desc) = 1;

create or replace table missed as
select distinct on (value ->> 'callId')
    value ->> 'calleeNo' as queue,
    cast(epoch(cast(value ->> 'callEnd' as timestamp)) as bigint) as finish,
    date_diff('second', cast(value ->> 'waitBegin' as timestamp),
              cast(value ->> 'callEnd' as timestamp)) as wait
from raw where topic = 'raw.huawei.missed-call';

create or replace table reading as
select value ->> 'number' as number, max(cast(value ->> 'sum' as bigint))
         - min(cast(value ->> 'sum' as bigint)) as attempts,
       max(cast(value ->> 'answerSum' as bigint))
         - min(cast(value ->> 'answerSum' as bigint)) as answered
from raw where topic = 'raw.7moor.answer-report' group by 1;

create or replace table scoped as
with each as (
    select *, unnest([
        'calls:icsoc', 'calls:icsoc/main',
        'calls:icsoc/main/display_number/' || number,
        'calls:icsoc/main/campaign/' || project,
        'calls:icsoc/main/campaign/' || project || '/' || task,
        case when region <> '' then 'calls:icsoc/main/region/' || region end,
        case when carrier <> '' then 'calls:icsoc/main/carrier/' || carrier end
    ]) as scope from cdr
)
select * from each where scope is not null;

-- the windows that were told, counted anew
create or replace table expected as
select metric.scope, metric.name, metric.start,
    count(scoped.call_id) as attempts,
    count(scoped.call_id) filter (result in (1, 2)) as answered,
    count(scoped.call_id) filter (result = 2) as connected,
    count(scoped.call_id) filter (result = 1) as abandoned,
    coalesce(sum(talk), 0) as talk_seconds
from metric left join scoped
    on scoped.scope = metric.scope and scoped.finish >= metric.start and scoped.finish < metric.finish
where metric.topic = 'metrics.answer-rate' and metric.scope like 'calls:%'
group by all;
