using PipeForkAs.Boot.Harness;
using PipeForkAs.EndToEnd.Harness;

namespace PipeForkAs.Boot;

/// <summary>
/// Tests names in rules that the user database provides late, as LDAP does at boot, or that are created while the service runs.
/// </summary>
public sealed class LateNamesTests(BootedSystem system)
{
    private const string Module = "/usr/lib/x86_64-linux-gnu/libnss_pfalate.so.2";
    private const string State = "/etc/pfa-late";
    private const string Switch = "/etc/nsswitch.conf";

    private const string LateId = "64990", LateGroupId = "64991";

    private const string Configuration = """
        {
          "Limits": { "LookupTimeout": "2s" },
          "Policy": { "Rules": [
            { "Name": "not for the late", "Callers": [ "alice" ], "Jobs": [ "cat" ], "As": [ "pfalate" ], "Deny": true },
            { "Name": "by the late", "Callers": [ "pfalate" ], "Jobs": [ "*" ], "As": [ "self" ] },
            { "Name": "for the late", "Callers": [ "alice" ], "Jobs": [ "*" ], "As": [ "@pfalateg" ] },
            { "Name": "rest", "Callers": [ "alice" ], "Jobs": [ "*" ], "As": [ "self" ] } ] }
        }
        """;

    [Theory(Timeout = Bound.Test)]
    [InlineData("h", 20)]
    [InlineData("u", 0)]
    public async Task A_late_user_database_delays_no_start_and_its_names_work_once_it_answers(string state, int seconds)
    {
        Container inside = system.Inside;
        await Tool.MustAsync(
            "cc", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", inside.PathOf(Module),
            Path.Combine(AppContext.BaseDirectory, "Hostile", "nss_late.c"));
        string before = await File.ReadAllTextAsync(inside.PathOf(Switch), TestContext.Current.CancellationToken);
        try
        {
            inside.Write(Switch, "passwd: files pfalate\ngroup: files pfalate\nshadow: files\n");
            inside.Write(State, state);

            // The start ends with READY=1. Nothing but this test lets the module answer.
            await system.FreshAsync(Configuration, $"Environment=PFA_LATE={State}");
            Assert.Equal("active", await system.PropertyAsync("ActiveState"));
            Assert.Contains("the rule \"for the late\" allows nothing by this name until there is an answer", await system.JournalAsync());
            Assert.StartsWith("uid=48001(alice)", await system.AskAsync(BootedSystem.Alice, """{"job":"id"}"""));
            Assert.DoesNotContain("uid=", await system.AskAsync(BootedSystem.Alice, """{"job":"id","user":"pfalate"}"""));

            await Task.Delay(TimeSpan.FromSeconds(seconds), TestContext.Current.CancellationToken);
            inside.Write(State, "k");
            await system.UntilAsync(
                async () => (await system.AskAsync(BootedSystem.Alice, """{"job":"id","user":"pfalate"}"""))
                    .StartsWith($"uid={LateId}(pfalate)", StringComparison.Ordinal),
                "no job runs as the late user");
            Assert.StartsWith($"uid={LateId}(pfalate)", await AskLateAsync("""{"job":"id"}"""));
            Assert.Contains("pipeforkas: denied: ", await system.AskAsync(BootedSystem.Alice, """{"job":"cat","user":"pfalate"}"""));
            await system.UntilAsync(
                async () => (await system.JournalAsync()).Contains("the user \"pfalate\" has the id", StringComparison.Ordinal),
                "the log does not say that the name is known");
        }
        finally
        {
            inside.Write(Switch, before);
            inside.Remove(State);
            inside.Remove(Module);
        }

        Task<string> AskLateAsync(string request) => inside.MustAsync(
            "sh", "-c", $"echo '{request}' | setpriv --reuid {LateId} --regid {LateGroupId} --clear-groups "
                + $"socat -t 30 - UNIX-CONNECT:{BootedSystem.Socket}");
    }

    [Fact(Timeout = Bound.Test)]
    public async Task A_new_user_or_one_recreated_with_another_uid_is_served_at_the_first_request()
    {
        Container inside = await system.FreshAsync("""
            { "Policy": { "Rules": [
                { "Name": "own", "Callers": [ "carol" ], "Jobs": [ "id" ], "As": [ "self" ] },
                { "Name": "panel", "Callers": [ "alice" ], "Jobs": [ "id" ], "As": [ "carol" ] } ] } }
            """);
        Assert.Contains("denied", await system.AskAsync(BootedSystem.Alice, """{"job":"id","user":"carol"}"""));
        try
        {
            await inside.MustAsync("useradd", "--create-home", "--uid", "48003", "carol");
            Assert.StartsWith("uid=48003(carol)", await system.AskAsync("carol", """{"job":"id"}"""));
            await inside.MustAsync("userdel", "--remove", "carol");
            await inside.MustAsync("useradd", "--create-home", "--uid", "48004", "carol");
            await inside.MustAsync("useradd", "--create-home", "--uid", "48003", "dave");
            Assert.Contains("denied", await system.AskAsync("dave", """{"job":"id"}"""));
            Assert.Contains("denied", await system.AskAsync(BootedSystem.Alice, """{"job":"id","user":"dave"}"""));
            Assert.Equal("id", (await system.CommandAsync("carol", "list")).Text.Split(' ', '\n')[0]);
            Assert.StartsWith("uid=48004(carol)", await system.AskAsync(BootedSystem.Alice, """{"job":"id","user":"carol"}"""));
        }
        finally
        {
            await inside.RunAsync("userdel", "--remove", "carol");
            await inside.RunAsync("userdel", "--remove", "dave");
        }
    }
}
