using System.Text;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Requests;
using PipeForkAs.Daemon.Tests.Fakes;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Tests.Requests;

public sealed class BusyRefusalsTests : IDisposable
{
    private readonly ConnectedPair pair = new();
    private readonly LogLines log = new();
    private readonly RequestCounts counts = new(static () => { });
    private readonly BusyRefusals refusals;

    public BusyRefusalsTests() => refusals = new BusyRefusals(
        new FairTurns(IdleLoop.Instance), counts, new Audit(log, TimeProvider.System, static (_, _) => { }, static _ => []));

    [Theory(Timeout = 30_000)]
    [InlineData("")]
    [InlineData("{\"job\":")]
    [InlineData("{\"job\":\"id\"}\n")]
    [InlineData("\0\u0001 no JSON\n")]
    public async Task An_immediate_refusal_is_a_line_of_text_for_any_received_bytes(string sent)
    {
        await SendAsync(sent);
        Refuse();
        Assert.Equal("pipeforkas: busy: no room; ask again later\n", Encoding.UTF8.GetString(await pair.ReadToEndAsync()));
        Assert.Equal(1, counts.Refused);
        Assert.Contains("busy", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task An_immediate_refusal_is_an_end_record_for_a_request_with_frames()
    {
        // More than the daemon reads, so that unread bytes are left when the connection is closed.
        await SendAsync($"{{\"reply\":\"frames\",\"job\":\"id\",\"args\":{{\"text\":\"{new string('x', 60_000)}\"}}}}\n");
        Refuse();
        byte[] reply = await pair.ReadToEndAsync();
        FrameHeader header = FrameHeader.Decode(reply);
        EndRecord end = EndRecord.Parse(reply.AsSpan(FrameHeader.Size));
        Assert.Equal((FrameType.End, ReplyCode.Busy, "no room; ask again later"), (header.Type, end.Code, end.Message));
    }

    [Fact(Timeout = 30_000)]
    public void An_immediate_refusal_of_a_disconnected_client_is_audited()
    {
        UntrustedSocket socket = Socket();
        Caller caller = Caller.Identify(pair.Accepted);
        pair.Client.Dispose();
        refusals.RefuseAtOnce(socket, caller, "no room; ask again later");
        Assert.True(pair.Accepted.IsClosed);
        Assert.Contains("busy", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    public void Dispose() => pair.Dispose();

    private UntrustedSocket Socket() => pair.Untrusted(IdleLoop.Instance);

    private void Refuse() => refusals.RefuseAtOnce(Socket(), Caller.Identify(pair.Accepted), "no room; ask again later");

    private Task<int> SendAsync(string text) => pair.Client.SendAsync(Encoding.UTF8.GetBytes(text));
}
