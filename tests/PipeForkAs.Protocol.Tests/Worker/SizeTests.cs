using System.Globalization;
using System.Text;
using PipeForkAs.Protocol.Client;
using PipeForkAs.Protocol.Worker;

namespace PipeForkAs.Protocol.Tests.Worker;

public sealed class SizeTests
{
    [Fact]
    public void The_largest_order_fits_into_a_message()
    {
        // Arguments and environment share the 64 KiB of a request; here each uses nearly all of them.
        var environment = new Dictionary<string, string>();
        for (int i = 0, bytes = 0; bytes < ClientProtocol.MaxRequestBytes; i++, bytes += 11)
            environment.Add(string.Create(CultureInfo.InvariantCulture, $"A{i}"), "");
        var order = new WorkerOrder
        {
            Job = new string('j', 64),
            Arguments = new byte[ClientProtocol.MaxRequestBytes],
            Account = new Account(new string('n', 256), 1, 1, new uint[65_536], new string('/', 4096), new string('/', 4096)),
            Environment = [.. environment],
        };
        var writer = new MessageWriter();
        order.Encode(writer);
        Assert.InRange(writer.Written.Length, 1, WorkerProtocol.MaxMessageBytes);
    }

    [Fact]
    public void The_longest_messages_of_a_worker_fit_into_the_receive_buffer()
    {
        string longest = new('漢', 100_000);
        var writer = new MessageWriter();
        new Returned(ReturnKind.Threw, longest, longest).Encode(writer);
        Assert.InRange(writer.Written.Length, 6 * WorkerProtocol.MaxTextLength, WorkerProtocol.MaxWorkerMessageBytes);
        new StepFailed(WorkerStep.Verify, 1, longest).Encode(writer);
        Assert.InRange(writer.Written.Length, 1, WorkerProtocol.MaxWorkerMessageBytes);
    }

    [Fact]
    public void A_text_within_the_limit_is_not_changed()
    {
        Assert.Equal("", WorkerProtocol.Cut(""));
        string longest = new('x', WorkerProtocol.MaxTextLength);
        Assert.Same(longest, WorkerProtocol.Cut(longest));
    }

    [Fact]
    public void A_longer_text_is_truncated_with_an_ellipsis() =>
        Assert.Equal(
            new string('x', WorkerProtocol.MaxTextLength - 1) + "…", WorkerProtocol.Cut(new string('x', WorkerProtocol.MaxTextLength + 1)));

    [Fact]
    public void A_text_is_never_truncated_inside_a_character()
    {
        for (int shift = 0; shift < 4; shift++)
        {
            string text = new string('x', shift) + string.Concat(Enumerable.Repeat("\U0001F9D1", WorkerProtocol.MaxTextLength));
            string cut = WorkerProtocol.Cut(text);
            Assert.InRange(cut.Length, WorkerProtocol.MaxTextLength - 1, WorkerProtocol.MaxTextLength);
            Assert.StartsWith(cut[..^1], text, StringComparison.Ordinal);
            new UTF8Encoding(false, throwOnInvalidBytes: true).GetBytes(cut);
        }
    }
}
