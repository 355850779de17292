using System.Text;
using PipeForkAs.Protocol.Client;

namespace PipeForkAs.Protocol.Tests.Client;

public sealed class UserTests
{
    [Theory]
    [InlineData("\"alice\"", "alice")]
    [InlineData("\"alice@example.org\"", "alice@example.org")]
    [InlineData("\"DOMAIN\\\\alice\"", "DOMAIN\\alice")]
    [InlineData("\"jos\\u00e9\"", "josé")]
    [InlineData("\"1000\"", "1000")]
    [InlineData("\"007\"", "007")]
    [InlineData("\"1000a\"", "1000a")]
    [InlineData("0", "0")]
    [InlineData("1000", "1000")]
    [InlineData("4294967294", "4294967294")]
    [InlineData("\"4294967294\"", "4294967294")]
    public void A_user_is_a_name_or_a_uid(string json, string expected) => Assert.Equal(expected, Parse(json).User);

    [Theory]
    [InlineData("\"\"")]
    [InlineData("\"-alice\"")]
    [InlineData("\"-1\"")]
    [InlineData("\"a/b\"")]
    [InlineData("\"a:b\"")]
    [InlineData("\"a b\"")]
    [InlineData("\"a\\u00a0b\"")]
    [InlineData("\"a\\nb\"")]
    [InlineData("\"a\\u0000\"")]
    [InlineData("\"a\\u0085\"")]
    [InlineData("-1")]
    [InlineData("-0")]
    [InlineData("1.0")]
    [InlineData("4294967296")]
    [InlineData("\"4294967296\"")]
    [InlineData("18446744073709551616")]
    [InlineData("\"18446744073709551616\"")]
    public void A_text_that_is_neither_is_refused(string json) => Assert.ThrowsAny<RequestException>(() => Parse(json));

    [Theory]
    [InlineData("4294967295")]
    [InlineData("\"4294967295\"")]
    [InlineData("\"0004294967295\"")]
    public void The_uid_4294967295_is_refused(string json) => Assert.ThrowsAny<RequestException>(() => Parse(json));

    [Fact]
    public void A_name_has_at_most_256_characters()
    {
        Assert.NotNull(Parse($"\"{new string('a', 256)}\"").User);
        Assert.ThrowsAny<RequestException>(() => Parse($"\"{new string('a', 257)}\""));
    }

    private static Request Parse(string user) => Request.Parse(Encoding.UTF8.GetBytes($$"""{"job":"id","user":{{user}}}"""));
}
