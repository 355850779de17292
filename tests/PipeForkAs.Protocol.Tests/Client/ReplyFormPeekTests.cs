using System.Text;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

public sealed class ReplyFormPeekTests
{
    [Theory]
    [InlineData("""{"reply":"frames"}""")]
    [InlineData("""{"reply":"frames","unknown":1}""")]
    [InlineData("""{"unknown":[{"reply":"text"}],"reply":"frames"}""")]
    [InlineData("""{"reply":"frames","reply":"frames"}""")]
    [InlineData("""{"job":"id","reply":"frames","args":{"cut short":""")]
    [InlineData("""{"reply":"frames"} and then some""")]
    [InlineData("""{"\u0072eply":"\u0066rames"}""")]
    public void A_request_with_frames_is_refused_in_frames(string line) => Assert.Equal(ReplyForm.Frames, Peek(line));

    [Theory]
    [InlineData("")]
    [InlineData("\0\0")]
    [InlineData("hello")]
    [InlineData("null")]
    [InlineData("""["reply","frames"]""")]
    [InlineData("""{"args":{"reply":"frames"}}""")]
    [InlineData("""{"reply":"text"}""")]
    [InlineData("""{"reply":"frames","reply":"text"}""")]
    [InlineData("""{"reply":["frames"]}""")]
    [InlineData("""{"reply":"fra""")]
    [InlineData("""{"Reply":"frames"}""")]
    [InlineData("""{not json,"reply":"frames"}""")]
    [InlineData("""{"\ud800":1,"reply":1}""")]
    public void All_other_requests_are_refused_in_text(string line) => Assert.Equal(ReplyForm.Text, Peek(line));

    [Fact]
    public void Bytes_that_are_not_text_are_harmless()
    {
        var random = new Random(1);
        byte[] line = Encoding.UTF8.GetBytes("""{"job":"id","reply":"frames","args":{"a":[1,2,{"b":"\u0041"}]}}""");
        for (int i = 0; i < 20_000; i++)
        {
            byte[] damaged = [.. line];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            Assert.True(Enum.IsDefined(ReplyFormPeek.Of(damaged.AsSpan(0, random.Next(damaged.Length + 1)))));
        }
    }

    private static ReplyForm Peek(string line) => ReplyFormPeek.Of(Encoding.UTF8.GetBytes(line));
}
