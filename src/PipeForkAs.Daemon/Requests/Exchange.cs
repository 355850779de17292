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

    /// <summary>Collects the facts about the request for its audit record.</summary>
    public AuditTrail Trail { get; } = new(client);

    /// <summary>The form of the reply: text, unless the request specifies another form.</summary>
    public Reply Reply { get; set; } = Reply.For(ReplyForm.Text, client);

    /// <summary>The request; available once it was received.</summary>
    public Request Request => Received.Request;

    /// <summary>The first bytes of the job's stdin; may be empty.</summary>
    public ReadOnlyMemory<byte> BeginningOfInput => Received.BeginningOfInput;

    /// <summary>The name of the requested job; null if there is no job or no request.</summary>
    public string? JobName => received?.Request.Job;

    /// <summary>Completes when the caller has its reply to a job that ran.</summary>
    public Task Answered { get; set; } = Task.CompletedTask;

    /// <summary>The request, and the first bytes after its line.</summary>
    public ReceivedRequest Received => received ?? throw new InvalidOperationException("no request was received");

    /// <summary>Overwrites a password, if the request has one.</summary>
    public void ForgetPassword()
    {
        if (received is { Request.Operation: Operation.SignIn } signIn)
            signIn.Clear();
    }

    /// <summary>Stores the received request.</summary>
    public void Take(ReceivedRequest request)
    {
        received = request;
        Trail.Request = request.Request;
        Reply = Reply.For(request.Request.Reply, client);
    }
}
