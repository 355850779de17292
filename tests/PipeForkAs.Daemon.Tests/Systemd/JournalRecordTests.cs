using System.Text;
using FsCheck;
using FsCheck.Fluent;
using PipeForkAs.Daemon.Systemd;
using PipeForkAs.Daemon.Tests.Fakes;

namespace PipeForkAs.Daemon.Tests.Systemd;

public sealed class JournalRecordTests
{
    /// <summary>Attempts to forge fields: line ends, fields, lengths, control characters, lone surrogates.</summary>
    private static readonly Gen<string> Pieces = Gen.Elements(
        "\n", "\r", "\0", "\u001b[2J", "=", "PRIORITY=0", "\nPRIORITY=0\n", "MESSAGE\n\u0001\0\0\0\0\0\0\0", "_UID=0\n", "\u202e",
        "\ud800", "\udc00", "ä", "\U0001F600", "plain", " ", "");

    private static readonly Gen<string> Values = Gen.OneOf(
        Pieces.ArrayOf().Select(string.Concat),
        ArbMap.Default.GeneratorFor<string>().Select(text => text ?? ""));

    [Fact]
    public void An_independent_reader_reads_every_record_as_it_was_written() => Properties.Holds(
        (from name in Values from value in Values select (name, value)).ArrayOf(),
        fields =>
        {
            var record = new JournalRecord();
            foreach ((string name, string value) in fields)
                record.Add(JournalRecord.Name(name), value);

            IEnumerable<(string, string)> expected = fields.Select(field => (JournalRecord.Name(field.name), Whole(field.value)));
            Assert.Equal(expected, FakeJournal.Decode(record.Written));
        },
        tests: 2000);

    [Fact]
    public void Every_name_becomes_a_valid_journal_field_name() => Properties.Holds(Values, name =>
    {
        string field = JournalRecord.Name(name);
        Assert.StartsWith("PIPEFORKAS_", field);
        Assert.InRange(field.Length, 11, 64);
        Assert.DoesNotContain(field, c => c is not ((>= 'A' and <= 'Z') or (>= '0' and <= '9') or '_'));
    });

    [Theory]
    [InlineData("CallerUid", "PIPEFORKAS_CALLER_UID")]
    [InlineData("Job", "PIPEFORKAS_JOB")]
    [InlineData("ArgumentsHmac", "PIPEFORKAS_ARGUMENTS_HMAC")]
    [InlineData("_UID", "PIPEFORKAS__UID")]
    [InlineData("a=\nPRIORITY", "PIPEFORKAS_A__PRIORITY")]
    public void Field_names_have_the_style_of_the_journal(string name, string field) => Assert.Equal(field, JournalRecord.Name(name));

    [Fact]
    public void A_record_can_be_reused()
    {
        var record = new JournalRecord();
        record.Add("A", "1").Add("B", 2);
        Assert.Equal([("C", "3")], FakeJournal.Decode(record.Clear().Add("C", 3).Written));
    }

    private static string Whole(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}
