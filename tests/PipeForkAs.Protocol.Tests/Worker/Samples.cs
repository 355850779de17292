using FsCheck;
using FsCheck.Fluent;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Protocol.Tests.Worker;

/// <summary>Random messages of every type, with functions that write and read them.</summary>
internal static class Samples
{
    public delegate object Decode(ref MessageReader reader);

    /// <summary>A type of message.</summary>
    /// <param name="Type">The type.</param>
    /// <param name="Kind">Its first byte.</param>
    /// <param name="Values">Random messages.</param>
    /// <param name="Encode">Writes one.</param>
    /// <param name="Decode">Reads one.</param>
    public sealed record MessageType(Type Type, MessageKind Kind, Gen<object> Values, Action<object, MessageWriter> Encode, Decode Decode)
    {
        public byte[] Bytes(object message)
        {
            var writer = new MessageWriter(capacity: 1);
            Encode(message, writer);
            return writer.Written.ToArray();
        }

        public override string ToString() => Type.Name;
    }

    private static readonly Gen<TimeSpan> Spans = Generate.Int64.Select(ticks => new TimeSpan(ticks));

    private static readonly Gen<Account> Accounts =
        from name in Generate.Text
        from uid in Generate.UInt32
        from gid in Generate.UInt32
        from groups in Generate.UInt32.ArrayOf()
        from home in Generate.Text
        from shell in Generate.Text
        from groupName in Generate.Text
        select new Account(name, uid, gid, groups, home, shell) { GroupName = groupName.Length == 0 ? null : groupName };

    private static readonly Gen<WorkerLimits> Limits =
        from openFiles in Generate.Int64
        from cpu in Generate.Positive64
        from size in Generate.Positive64
        from umask in Generate.UInt32
        from nice in Generate.Int32
        from oom in Generate.Int32
        from data in Generate.Positive64
        from processes in Generate.Positive64
        from core in Generate.Positive64
        from bits in Gen.Choose(0, 31)
        select new WorkerLimits
        {
            OpenFiles = openFiles,
            CpuSeconds = (bits & 1) != 0 ? cpu : null,
            FileSize = (bits & 2) != 0 ? size : null,
            DataBytes = (bits & 4) != 0 ? data : null,
            Processes = (bits & 8) != 0 ? processes : null,
            CoreSize = (bits & 16) != 0 ? core : null,
            Umask = umask,
            Nice = nice,
            OomScoreAdjust = oom,
        };

    private static readonly Gen<Sandbox> Sandboxes =
        from readOnly in Generate.Text.ArrayOf()
        from readWrite in Generate.Text.ArrayOf()
        from noNetwork in Generate.Bool
        from seccomp in Gen.Elements(Enum.GetValues<SeccompProfile>())
        select new Sandbox { ReadOnly = readOnly, ReadWrite = readWrite, NoNetwork = noNetwork, Seccomp = seccomp };

    private static readonly Gen<WorkerOrder> WorkerOrders =
        from job in Generate.Text
        from command in Generate.Text.ArrayOf()
        from arguments in Generate.Bytes
        from account in Accounts
        from environment in (from name in Generate.Text from value in Generate.Text select new KeyValuePair<string, string>(name, value))
            .ArrayOf()
        from limits in Limits
        from sandboxes in Sandboxes.ArrayOf()
        from keepsOrphans in Generate.Bool
        from grantsRoot in Generate.Bool
        from awaitsAnswer in Generate.Bool
        from grace in Generate.Positive64
        from orphanGrace in Generate.Positive64
        from needsHome in Generate.Bool
        from consentFor in Generate.OrNull(Generate.Text.ArrayOf())
        select new WorkerOrder
        {
            Job = job,
            Command = command,
            Arguments = arguments,
            Account = account,
            Environment = environment,
            Limits = limits,
            Sandboxes = sandboxes,
            KeepsOrphans = keepsOrphans,
            GrantsRoot = grantsRoot,
            AwaitsAnswer = awaitsAnswer,
            GraceMilliseconds = grace,
            OrphanGraceMilliseconds = orphanGrace,
            NeedsHome = needsHome,
            ConsentFor = consentFor,
        };

    private static readonly Gen<JobOffer> Offers =
        from name in Generate.Text
        from kind in Gen.Elements(JobKind.Text, JobKind.Typed, JobKind.Streaming)
        from description in Generate.Text
        from schema in Generate.Text
        from environment in Generate.Text.ArrayOf()
        from timeout in Generate.Positive64
        from sandboxes in Sandboxes.ArrayOf()
        from shown in Generate.Text.ArrayOf()
        from steering in Generate.Text.ArrayOf()
        select new JobOffer(name, kind, description, schema, environment, new TimeSpan(timeout), sandboxes, shown, steering);

    private static readonly Gen<WorkerExited> Exits =
        from pid in Generate.Int32
        from bySignal in Generate.Bool
        from value in Generate.Int32
        from cpu in Spans
        from resident in Generate.Int64
        select new WorkerExited(pid, bySignal, value, cpu, resident);

    private static readonly Gen<StepFailed> FailedSteps =
        from step in Gen.Elements(Enum.GetValues<WorkerStep>())
        from errno in Generate.Int32
        from detail in Generate.Text
        select new StepFailed(step, errno, detail);

    private static readonly Gen<Returned> Returns =
        from kind in Gen.Elements(Enum.GetValues<ReturnKind>())
        from type in Generate.Text
        from message in Generate.Text
        from errno in Generate.Int32
        select new Returned(kind, type, message, errno);

    private static readonly Gen<ConsentAnswer> Consents =
        from given in Generate.Bool
        from reason in Generate.Text
        select new ConsentAnswer(given, reason);

    public static readonly MessageType[] All =
    [
        Of(MessageKind.Hello, Generate.Int32.Select(version => new Hello(version)), (message, writer) => message.Encode(writer),
            static (ref reader) => Hello.Decode(ref reader)),
        Of(MessageKind.JobOffer, Offers, (message, writer) => message.Encode(writer), static (ref reader) => JobOffer.Decode(ref reader)),
        Of(MessageKind.Refused, Generate.Text.Select(reason => new Refused(reason)), (message, writer) => message.Encode(writer),
            static (ref reader) => Refused.Decode(ref reader)),
        Of(MessageKind.Forked, Generate.Int32.Select(pid => new Forked(pid)), (message, writer) => message.Encode(writer),
            static (ref reader) => Forked.Decode(ref reader)),
        Of(MessageKind.ForkFailed, Generate.Text.Select(reason => new ForkFailed(reason)), (message, writer) => message.Encode(writer),
            static (ref reader) => ForkFailed.Decode(ref reader)),
        Of(MessageKind.Exited, Exits, (message, writer) => message.Encode(writer), static (ref reader) => WorkerExited.Decode(ref reader)),
        Of(MessageKind.Reap, Generate.Int32.Select(pid => new Reap(pid)), (message, writer) => message.Encode(writer),
            static (ref reader) => Reap.Decode(ref reader)),
        Of(MessageKind.WorkerOrder, WorkerOrders, (message, writer) => message.Encode(writer),
            static (ref reader) => WorkerOrder.Decode(ref reader)),
        Of(MessageKind.StepFailed, FailedSteps, (message, writer) => message.Encode(writer),
            static (ref reader) => StepFailed.Decode(ref reader)),
        Of(MessageKind.Returned, Returns, (message, writer) => message.Encode(writer), static (ref reader) => Returned.Decode(ref reader)),
        Of(MessageKind.Consent, Consents, (message, writer) => message.Encode(writer),
            static (ref reader) => ConsentAnswer.Decode(ref reader)),
    ];

    private static MessageType Of<T>(MessageKind kind, Gen<T> values, Action<T, MessageWriter> encode, Decode decode)
        where T : notnull =>
            new(typeof(T), kind, values.Select(value => (object)value), (message, writer) => encode((T)message, writer), decode);
}
