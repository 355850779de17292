using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Callers;
using PipeForkAs.Daemon.Fairness;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Daemon.Untrusted;
using PipeForkAs.LibC;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>Refuses connections that exceed a limit, in the form of reply that their requests specify.</summary>
/// <param name="turns">Shares the loop's time.</param>
/// <param name="counts">Counts the requests.</param>
/// <param name="audit">Records the requests.</param>
internal sealed class BusyRefusals(FairTurns turns, RequestCounts counts, Audit audit) : IConnectionRefusals
{
    /// <summary>The longest time to wait for the request, which specifies the form of reply.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    /// <summary>The number of bytes of a request that are read without waiting.</summary>
    private const int Beginning = 4096;

    /// <summary>
    /// Receives all of them, on the loop. It never moves, so that the garbage collector leaves no copies of a password, and is cleared
    /// after each use.
    /// </summary>
    private static readonly byte[] Scratch = GC.AllocateUninitializedArray<byte>(16 * 1024, pinned: true);

    /// <inheritdoc/>
    public async Task RefuseAsync(Connection connection, string problem)
    {
        EndRecord record = Record(problem);
        ReplyForm form = await RequestReader.ReceiveFormAsync(connection, turns, Patience);
        try
        {
            await Reply.For(form, connection).EndAsync(record, atLineStart: true);
        }
        finally
        {
            audit.Write(new AuditTrail(connection) { End = record });
        }
    }

    /// <inheritdoc/>
    public void RefuseAtOnce(UntrustedSocket socket, Caller caller, string problem)
    {
        EndRecord record = Record(problem);
        try
        {
            IOResult received = socket.Receive(Scratch.AsSpan(0, Beginning));
            ReplyForm form = received.Failed ? ReplyForm.Text : ReplyFormPeek.Of(Scratch.AsSpan(0, (int)received.Count));

            // The socket's queue is empty and has room for more than this. A caller that is gone needs no reply.
            socket.Send(Reply.OfRefusal(form, record));
            socket.Shutdown(SocketShutdown.SHUT_RDWR);
            socket.Drain(Scratch);
        }
        finally
        {
            Scratch.AsSpan().Clear();
            socket.Dispose();
        }

        audit.Write(new AuditTrail(caller, static () => CallerOrigin.Skipped) { End = record });
    }

    /// <inheritdoc/>
    public void Drop(Caller caller, string problem) =>
        audit.Write(new AuditTrail(caller, static () => CallerOrigin.Skipped) { End = Record(problem) });

    private EndRecord Record(string problem)
    {
        var record = new EndRecord { Code = ReplyCode.Busy, Message = problem };
        counts.Answered(record);
        return record;
    }
}
