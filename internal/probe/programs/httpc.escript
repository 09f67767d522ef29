#!/usr/bin/env escript
main([Url, Token]) ->
    code:which(httpc) =:= non_existing andalso halt(77),
    {ok, _} = application:ensure_all_started(inets),
    {ok, _} = application:ensure_all_started(ssl),
    Options = [{ssl, [{verify, verify_peer}, {cacerts, public_key:cacerts_get()}]}],
    {ok, {_, _, Body}} = httpc:request(get, {Url, [{"authorization", "Bearer " ++ Token}]}, Options, []),
    io:put_chars(Body).
