using System.Reflection;
using FsCheck.Fluent;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Protocol.Tests.Worker;

public sealed class MessageTests
{
    /// <summary>Parts of messages, which have no kind byte.</summary>
    private static readonly Type[] Parts = [typeof(Account), typeof(WorkerLimits)];

    /// <summary>Messages that are only their first byte.</summary>
    private static readonly MessageKind[] WithoutContent = [
        MessageKind.Fork, MessageKind.Ready, MessageKind.Ping, MessageKind.Pong, MessageKind.Began];

    public static TheoryData<string> Types => [.. Samples.All.Select(type => type.Type.Name)];

    [Theory]
    [MemberData(nameof(Types))]
    public void Encoding_and_decoding_preserve_the_value(string name)
    {
        Samples.MessageType type = Find(name);
        Properties.Holds(type.Values, message =>
        {
            byte[] bytes = type.Bytes(message);
            object decoded = Decode(type, bytes);
            Assert.Equivalent(message, decoded, strict: true);
            Assert.Equal(bytes, type.Bytes(decoded));
        }, tests: 200);
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void A_message_that_is_truncated_at_any_byte_or_too_long_is_refused(string name)
    {
        Samples.MessageType type = Find(name);
        Properties.Holds(type.Values, message =>
        {
            byte[] bytes = type.Bytes(message);
            for (int length = 0; length < bytes.Length; length++)
                Assert.Throws<FormatException>(() => Decode(type, bytes[..length]));
            Assert.Throws<FormatException>(() => Decode(type, [.. bytes, 0]));
        }, tests: 30);
    }

    [Fact]
    public void Damaged_messages_are_refused_with_a_reason_and_allocate_no_unsent_sizes()
    {
        byte[][][] originals = [.. Samples.All.Select(type => type.Values.Sample(30, 25).Select(type.Bytes).ToArray())];
        var mutation = new Mutation(seed: 20260102);
        int refused = 0;
        long largest = 0;
        for (int i = 0; i < 200_000; i++)
        {
            int which = i % originals.Length;
            byte[] damaged = mutation.Of(originals[which][i / originals.Length % originals[which].Length]);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Decode(Samples.All[which], damaged);
            }
            catch (FormatException)
            {
                refused++;
            }

            largest = Math.Max(largest, GC.GetAllocatedBytesForCurrentThread() - before - (8 * damaged.Length));
        }

        Assert.InRange(refused, 50_000, 199_000);
        Assert.InRange(largest, 0, 64 * 1024);
    }

    [Fact]
    public void These_tests_cover_every_message_type_and_kind()
    {
        IEnumerable<string> types = typeof(MessageReader).Assembly.GetTypes()
            .Where(type => type.GetMethod("Decode", BindingFlags.Static | BindingFlags.Public)?.GetParameters()[0].ParameterType
                == typeof(MessageReader).MakeByRefType())
            .Select(type => type.Name);
        Assert.Equal(Samples.All.Select(type => type.Type).Concat(Parts).Select(type => type.Name).Order(), types.Order());
        Assert.Equal(Enum.GetValues<MessageKind>().Order(), Samples.All.Select(type => type.Kind).Concat(WithoutContent).Order());
    }

    [Fact]
    public void Every_message_begins_with_its_kind() => Assert.All(Samples.All, type =>
        Assert.Equal((byte)type.Kind, type.Bytes(type.Values.Sample(1, 1).First())[0]));

    [Fact]
    public void An_unknown_kind_is_read_as_its_number() =>
        Assert.Equal((MessageKind)200, new MessageReader([200]).Kind);

    [Theory]
    [InlineData(0)]
    [InlineData(26)]
    [InlineData(255)]
    public void An_unknown_step_is_refused(byte step) => Assert.Throws<FormatException>(() =>
        Decode(Find(nameof(StepFailed)), Find(nameof(StepFailed)).Bytes(new StepFailed((WorkerStep)step, 0, ""))));

    [Fact]
    public void An_unknown_result_kind_is_refused() => Assert.Throws<FormatException>(() =>
        Decode(Find(nameof(Returned)), Find(nameof(Returned)).Bytes(new Returned((ReturnKind)3, "", ""))));

    [Theory]
    [InlineData(JobKind.Command)]
    [InlineData((JobKind)9)]
    public void A_kind_of_job_that_a_job_host_cannot_have_is_refused(JobKind kind) => Assert.Throws<FormatException>(() =>
        Decode(Find(nameof(JobOffer)), Find(nameof(JobOffer)).Bytes(new JobOffer("a", kind, "", "", [], TimeSpan.Zero, [], [], []))));

    [Fact]
    public void A_job_name_with_line_ends_is_escaped_in_the_reason()
    {
        var offer = new JobOffer("a\n\u001b[2J", (JobKind)9, "", "", [], TimeSpan.Zero, [], [], []);
        FormatException refused = Assert.Throws<FormatException>(() => Decode(Find(nameof(JobOffer)), Find(nameof(JobOffer)).Bytes(offer)));
        Assert.Equal("the job a\\n\\u001b[2J has the kind 9, which a job host cannot have", refused.Message);
    }

    [Fact]
    public void An_unknown_seccomp_profile_is_refused() => Assert.Throws<FormatException>(() =>
        Decode(Find(nameof(JobOffer)), Find(nameof(JobOffer)).Bytes(
            new JobOffer("a", JobKind.Text, "", "", [], TimeSpan.Zero, [new Sandbox { Seccomp = (SeccompProfile)2 }], [], []))));

    [Fact]
    public void A_negative_timeout_of_a_job_is_refused() => Assert.Throws<FormatException>(() =>
        Decode(Find(nameof(JobOffer)),
            Find(nameof(JobOffer)).Bytes(new JobOffer("a", JobKind.Text, "", "", [], TimeSpan.FromTicks(-1), [], [], []))));

    [Fact]
    public void A_negative_limit_is_refused_and_does_not_mean_unlimited()
    {
        var run = new WorkerOrder
        {
            Job = "a",
            Account = new Account("a", 1, 1, [], "/", "/"),
            Limits = new WorkerLimits { CpuSeconds = -2 },
        };
        Assert.Throws<FormatException>(() => Decode(Find(nameof(WorkerOrder)), Find(nameof(WorkerOrder)).Bytes(run)));
    }

    [Fact]
    public void A_negative_grace_period_is_refused()
    {
        var run = new WorkerOrder { Job = "a", Account = new Account("a", 1, 1, [], "/", "/"), GraceMilliseconds = -1 };
        Assert.Throws<FormatException>(() => Decode(Find(nameof(WorkerOrder)), Find(nameof(WorkerOrder)).Bytes(run)));
    }

    [Fact]
    public void Text_that_is_not_UTF8_is_refused() => Assert.Throws<FormatException>(() =>
        Decode(Find(nameof(Refused)), [(byte)MessageKind.Refused, 1, 0, 0, 0, 0xFF]));

    private static Samples.MessageType Find(string name) => Samples.All.Single(type => type.Type.Name == name);

    private static object Decode(Samples.MessageType type, byte[] bytes)
    {
        var reader = new MessageReader(bytes);
        return type.Decode(ref reader);
    }
}
