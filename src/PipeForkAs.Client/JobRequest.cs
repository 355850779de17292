using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Client;

/// <summary>What to run: a job, the user to run it as, and its arguments.</summary>
/// <param name="Job">The job's name: 1 to 64 characters of a-z, A-Z, 0-9, '-', '_' and '.', the first a letter or a digit.</param>
public sealed record JobRequest(string Job)
{
    /// <summary>User to run the job as: a user name, or a uid in digits. Default: the calling user.</summary>
    public string? User { get; init; }

    /// <summary>The job's arguments: a JSON object in UTF-8. Empty for none. <see cref="WithArguments{T}"/> creates it from an object. The
    /// whole request has at most 64 KiB; send large data as the job's input.
    /// </summary>
    public ReadOnlyMemory<byte> Arguments { get; init; }

    /// <summary>
    /// Environment variables for the job. The daemon refuses those that the job's registration does not allow. Null for none.
    /// </summary>
    public IReadOnlyDictionary<string, string>? Environment { get; init; }

    /// <summary>How long the job may run, more than zero. It can only shorten the limits of the job and of the daemon. Null: only those
    /// limits apply.
    /// </summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The <see cref="SignInTicket.Ticket"/> of the user, for rules of the policy with <c>RequireSignIn</c>. Null for none.
    /// </summary>
    public string? Ticket { get; init; }

    /// <summary>Returns the same request with these arguments.</summary>
    /// <typeparam name="T">The arguments: a type whose JSON is an object.</typeparam>
    /// <param name="arguments">The arguments.</param>
    /// <param name="typeInfo">The arguments' JSON type information, from a <c>JsonSerializerContext</c> of your project.</param>
    public JobRequest WithArguments<T>(T arguments, JsonTypeInfo<T> typeInfo) =>
        this with { Arguments = JsonSerializer.SerializeToUtf8Bytes(arguments, typeInfo) };

    /// <summary>Returns the job and the user; never the ticket or the arguments, because a text can get into a log.</summary>
    public override string ToString() => User is null ? Job : $"{Job} as {User}";

    internal Request ToWire(Operation operation = Operation.Run, string? caller = null) => new()
    {
        Operation = operation,
        Job = Job,
        User = User,
        Caller = caller,
        Arguments = Arguments.IsEmpty ? null : Arguments.ToArray(),
        Environment = Environment is null ? null : new Dictionary<string, string>(Environment),
        Timeout = Timeout?.TotalSeconds,
        Ticket = Ticket,
        Reply = ReplyForm.Frames,
    };
}
