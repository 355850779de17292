using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Listening;
using PipeForkAs.Daemon.Replying;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Daemon.Requests;

/// <summary>One request and its reply.</summary>
internal sealed class Exchange(Connection client)
{
    private ReceivedRequest? received;

    public Connection Client => client;

    /// <summary>What becomes known of the request, for its record.</summary>
    public AuditTrail Trail { get; } = new(client);

    /// <summary>The form of the reply: text until the request says another.</summary>
    public Reply Reply { get; set; } = Reply.For(ReplyForm.Text, client);

    /// <summary>The request, once it was received.</summary>
    public Request Request => Received.Request;

    /// <summary>The first bytes of the job's stdin; may be empty.</summary>
    public ReadOnlyMemory<byte> BeginningOfInput => Received.BeginningOfInput;

    /// <summary>The job that was asked for; null for none, and where there is no request.</summary>
    public string? JobName => received?.Request.Job;

    /// <summary>Completes when the client has its answer to a job that ran.</summary>
    public Task Answered { get; set; } = Task.CompletedTask;

    private ReceivedRequest Received => received ?? throw new InvalidOperationException("no request was received");

    /// <summary>The request was received.</summary>
    public void Take(ReceivedRequest request)
    {
        received = request;
        Trail.Request = request.Request;
        Reply = Reply.For(request.Request.Reply, client);
    }
}
