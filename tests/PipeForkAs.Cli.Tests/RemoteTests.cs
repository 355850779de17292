using PipeForkAs.Tests.Fakes;

using static PipeForkAs.Cli.Tests.CommandProcess;

namespace PipeForkAs.Cli.Tests;

/// <summary>Tests -H with a script in place of ssh, which notes its arguments and runs dial on this machine.</summary>
public sealed class RemoteTests
{
    private const string Ssh = """
        #!/bin/bash
        printf '%s\n' "$@" >>"${0%/*}/arguments"
        case $BEHAVIOUR in
        fail) printf '%s' "$WORDS" >&2; exit "$STATUS" ;;
        cut) printf '\001\000\000\000\000\000\000\005ab'; echo broken pipe >&2; exit 255 ;;
        kill) kill -KILL $$ ;;
        chatty) (yes chatter | head -c 1000000) >&2 ;;&
        *) exec "$P" dial ;;
        esac
        """;

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("-H host", "-T -e none -- host pipeforkas dial")]
    [InlineData("-H alice@host:2222", "-p 2222 -l alice -T -e none -- host pipeforkas dial")]
    [InlineData("-H ssh://a@b@host", "-l a@b -T -e none -- host pipeforkas dial")]
    [InlineData("-H [fe80::1%eth0]:22", "-p 22 -T -e none -- fe80::1%eth0 pipeforkas dial")]
    [InlineData("-H [::1]", "-T -e none -- ::1 pipeforkas dial")]
    [InlineData("--host=host --socket /run/a-b.sock", "-T -e none -- host pipeforkas dial --socket=/run/a-b.sock")]
    [InlineData("--host=host --daemon-uid any", "-T -e none -- host pipeforkas dial --daemon-uid=any")]
    [InlineData("--host=host --daemon-uid 65534", "-T -e none -- host pipeforkas dial --daemon-uid=65534")]
    public async Task Ssh_gets_the_host_after_two_dashes_and_no_shell_sees_it(string options, string arguments)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("done\n"), Reply.Exit(3));

        (string output, string error) = await RemoteAsync(daemon, $"$P {options} run -n id; echo $?; cat $ssh/arguments");

        Assert.Equal(("done\n3\n" + arguments.Replace(' ', '\n') + "\n", ""), (output, error));
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("-oProxyCommand=x", "the host begins with '-'")]
    [InlineData("alice@-x", "the host begins with '-'")]
    [InlineData("-l@host", "the user begins with '-'")]
    [InlineData("@host", "it has no user")]
    [InlineData("alice@", "it has no host")]
    [InlineData("a b", "has a character that ssh does not allow")]
    [InlineData("host;id", "has a character that ssh does not allow")]
    [InlineData("a`id`@host", "has a character that ssh does not allow")]
    [InlineData("host\u001b[2J", "\"host\\u001b[2J\" is not a host")]
    [InlineData("h\u00f6st", "has a character that ssh does not allow")]
    [InlineData("host:0", "the port must be 1 to 65535")]
    [InlineData("host:65536", "the port must be 1 to 65535")]
    [InlineData("host:+1", "the port must be 1 to 65535")]
    [InlineData("::1", "an IPv6 address in brackets")]
    [InlineData("[host]", "an IPv6 address in brackets")]
    [InlineData("[::1]x", "an IPv6 address in brackets")]
    public async Task What_is_not_a_host_is_refused_before_ssh_starts(string host, string problem)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));

        foreach (string way in new[] { $"$P '--host={host}' run id", $"PIPEFORKAS_HOST='{host}' $P run id" })
        {
            (string output, string error) = await RemoteAsync(daemon, $"{way}; echo $?; test -e $ssh/arguments && echo started");
            Assert.Equal("125\n", output);
            Assert.Contains("is not a host: ", error);
            Assert.Contains(problem, error);
        }
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_socket_that_a_shell_would_read_differently_is_refused()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));

        (string output, string error) = await RemoteAsync(daemon, "$P -H h --socket '/run/$(id)' run id; echo $?");

        Assert.Equal("125\n", output);
        Assert.Contains("cannot be the path of a socket on another host", error);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("STATUS=255 WORDS='Permission denied (publickey).'", "ssh to host failed: Permission denied (publickey).")]
    [InlineData("STATUS=127 WORDS='bash: pipeforkas: not found'", "there is no command pipeforkas on host: bash: pipeforkas: not found;")]
    [InlineData("STATUS=126 WORDS=''", "the command pipeforkas on host cannot be executed")]
    [InlineData("STATUS=125 WORDS='x'", "the command pipeforkas on host is too old for remote requests: x;")]
    [InlineData("STATUS=69 WORDS='pipeforkas: cannot connect'", "on host: cannot connect")]
    [InlineData("STATUS=77 WORDS='pipeforkas: a process of uid 7'", "on host: a process of uid 7")]
    [InlineData("STATUS=0 WORDS=''", "the daemon on host closed the connection without a reply")]
    [InlineData("STATUS=1 WORDS=$'a\\e[2J\\r\\nb'", "pipeforkas dial on host ended with status 1: a\\u001b[2J; b")]
    public async Task A_failure_is_125_and_says_on_which_side_it_arose(string failure, string message)
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));

        (string output, string error) = await RemoteAsync(daemon, $"BEHAVIOUR=fail {failure} $P -H host run id </dev/null; echo $?");

        Assert.Equal("125\n", output);
        Assert.StartsWith($"pipeforkas: {message}", error);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_reply_that_is_cut_short_has_the_words_of_ssh()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));

        (string output, string error) = await RemoteAsync(
            daemon, "BEHAVIOUR=cut $P -H host run id </dev/null; echo $?; BEHAVIOUR=kill $P -H host run id </dev/null; echo $?");

        Assert.Equal("ab125\n125\n", output);
        Assert.Contains("cut short after 10 bytes", error);
        Assert.Contains("; ssh to host failed: broken pipe\n", error);
        Assert.Contains("a signal ended ssh to host\n", error);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task Words_of_ssh_without_end_do_not_stop_a_job_that_succeeds_and_are_not_shown()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Out("done\n"), Reply.Exit(0));

        Assert.Equal(("done\n0\n", ""), await RemoteAsync(daemon, "BEHAVIOUR=chatty $P -H host run id </dev/null; echo $?"));
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_machine_without_ssh_says_so()
    {
        await using FakeDaemon daemon = FakeDaemon.Replying(Reply.Exit(0));

        (string output, string error) = await RemoteAsync(daemon, "chmod -x $ssh/ssh; PATH=$ssh $P -H host run id </dev/null; echo $?");

        Assert.Equal("125\n", output);
        Assert.Contains("ssh for host cannot be started: ", error);
    }

    /// <summary>Runs a script of bash with a folder that has the script in place of ssh, in <c>$ssh</c>.</summary>
    private static async Task<(string Output, string Error)> RemoteAsync(FakeDaemon daemon, string script)
    {
        string folder = Directory.CreateTempSubdirectory("pipeforkas-test-").FullName;
        try
        {
            string ssh = Path.Combine(folder, "ssh");
            await File.WriteAllTextAsync(ssh, Ssh);
            File.SetUnixFileMode(ssh, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return await ShellAsync(daemon, $"ssh={folder}; PATH=$ssh:$PATH; {script}");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
