using PipeForkAs.Tests.Fakes;

namespace PipeForkAs.Client.Tests;

/// <summary>Tests the addresses of other hosts, with a script in place of ssh that does what the name of the host says.</summary>
public sealed class RemoteTests : IDisposable
{
    private const string Ssh = """
        #!/bin/bash
        folder=${0%/*}
        echo "$@" >>"$folder/arguments"
        for host; do [ "$host" != pipeforkas ] || break; name=$host; done
        case $name in
        status-*) printf 'pipeforkas: why\033[2J\nthere' >&2; exit "${name#status-}" ;;
        signal) kill -KILL $$ ;;
        esac
        printf '\001\000\000\000\000\000\000\005first'
        [ "$name" != cut ] || { echo broken pipe >&2; exit 255; }
        [ "$name" != chatty ] || { yes chatter | head -c 1000000 >&2; }
        read -r request
        [ "$name" != wait ] || exec sleep 600
        printf '\001\000\000\000\000\000\000\004'; head -c 4
        printf '\020\000\000\000\000\000\000\026{"code":"ok","exit":0}'
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("pipeforkas-test-").FullName;
    private readonly string path = Environment.GetEnvironmentVariable("PATH")!;

    public RemoteTests()
    {
        File.WriteAllText(Path.Combine(folder, "ssh"), Ssh);
        File.SetUnixFileMode(
            Path.Combine(folder, "ssh"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Environment.SetEnvironmentVariable("PATH", $"{folder}:{path}");
    }

    private string[] Arguments => File.ReadAllLines(Path.Combine(folder, "arguments"));

    public void Dispose()
    {
        Environment.SetEnvironmentVariable("PATH", path);
        Directory.Delete(folder, recursive: true);
    }

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("ssh://host", "host", "-T -e none -o BatchMode=yes -- host pipeforkas dial")]
    [InlineData("ssh://host/", "host", "-T -e none -o BatchMode=yes -- host pipeforkas dial")]
    [InlineData("ssh://a@b@host:22", "a@b@host:22", "-p 22 -l a@b -T -e none -o BatchMode=yes -- host pipeforkas dial")]
    [InlineData("ssh://[::1]/run/a.sock", "[::1]", "-T -e none -o BatchMode=yes -- ::1 pipeforkas dial --socket=/run/a.sock")]
    [InlineData("ssh://chatty", "chatty", "-T -e none -o BatchMode=yes -- chatty pipeforkas dial")]
    public async Task Ssh_gets_the_host_after_two_dashes_and_never_asks(string address, string host, string arguments)
    {
        PipeForkAsClient client = new(address);
        using MemoryStream input = new("data"u8.ToArray());

        JobOutput output = await client.CaptureAsync(new JobRequest("id"), input);

        Assert.Equal(("firstdata", host), (output.StdoutText, client.Host));
        Assert.Equal([arguments], Arguments);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-oProxyCommand=x")]
    [InlineData("a@-x")]
    [InlineData("-l@h")]
    [InlineData("a b")]
    [InlineData("h;id")]
    [InlineData("h\u001b[2J")]
    [InlineData("h:0")]
    [InlineData("::1")]
    [InlineData("h/$(id)")]
    public void What_is_not_a_host_is_refused(string host) =>
        Assert.DoesNotContain('\u001b', Assert.Throws<FormatException>(() => new PipeForkAsClient("ssh://" + host)).Message);

    [Theory(Timeout = Bound.Milliseconds)]
    [InlineData("status-255", 255, "ssh to status-255 failed: why\\u001b[2J; there")]
    [InlineData("status-127", 127, "there is no command pipeforkas on status-127: why")]
    [InlineData("status-125", 125, "the command pipeforkas on status-125 is too old for remote requests: why")]
    [InlineData("status-69", 69, "on status-69: why")]
    [InlineData("status-77", 77, "on status-77: why")]
    [InlineData("status-3", 3, "pipeforkas dial on status-3 ended with status 3: why")]
    [InlineData("signal", null, "a signal ended ssh to signal")]
    public async Task A_failure_says_on_which_side_it_arose(string host, int? status, string message)
    {
        PipeForkAsClient client = new("ssh://" + host);

        RemoteHostException failed = await Assert.ThrowsAsync<RemoteHostException>(
            () => client.StatusAsync(TestContext.Current.CancellationToken));

        Assert.Equal((status, host), (failed.ExitStatus, failed.Host));
        Assert.StartsWith(message, failed.Message);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_reply_that_is_cut_short_has_the_words_of_ssh()
    {
        PipeForkAsClient client = new("ssh://cut");

        ReplyCutShortException cut = await Assert.ThrowsAsync<ReplyCutShortException>(
            () => client.CaptureAsync(new JobRequest("id"), cancellationToken: TestContext.Current.CancellationToken));

        Assert.Contains("after 13 bytes", cut.Message);
        Assert.EndsWith("; ssh to cut failed: broken pipe", cut.Message);
    }

    [Fact(Timeout = Bound.Milliseconds)]
    public async Task A_client_has_a_bounded_number_of_sessions_and_a_closed_stream_frees_one()
    {
        PipeForkAsClient client = new("ssh://wait") { SshSessions = 2 };
        byte[] first = new byte[5];
        List<Stream> open = [];
        for (int i = 0; i < 2; i++)
        {
            open.Add(await client.OpenReadAsync(new JobRequest("id"), cancellationToken: TestContext.Current.CancellationToken));
            await open[i].ReadExactlyAsync(first, TestContext.Current.CancellationToken);
        }

        Task<Stream> third = client.OpenReadAsync(new JobRequest("id"), cancellationToken: TestContext.Current.CancellationToken);
        Assert.False(third.IsCompleted);
        Assert.Equal(2, Arguments.Length);
        await open[0].DisposeAsync();
        await using Stream stream = await third;
        await stream.ReadExactlyAsync(first, TestContext.Current.CancellationToken);

        // A call that waits for a session can be cancelled too.
        using CancellationTokenSource stop = new();
        Task<Stream> fourth = client.OpenReadAsync(new JobRequest("id"), cancellationToken: stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fourth);
        await open[1].DisposeAsync();
        Assert.Throws<ArgumentOutOfRangeException>(() => new PipeForkAsClient("ssh://wait") { SshSessions = 0 });
    }
}
