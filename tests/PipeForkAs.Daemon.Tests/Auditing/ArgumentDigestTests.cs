using System.Text;
using PipeForkAs.Daemon.Auditing;
using PipeForkAs.Daemon.Digests;
using PipeForkAs.LibC;

namespace PipeForkAs.Daemon.Tests.Auditing;

public sealed class ArgumentDigestTests
{
    private static readonly UserId Alice = new(1001), Bob = new(1002);

    [Theory]
    [InlineData("{\"b\":1,\"a\":2}", "{ \"a\" : 2,\"b\":1 }")]
    [InlineData("{\"a\":{\"y\":[1,{\"d\":1,\"c\":2}],\"x\":null}}", "{\"a\":{\"x\":null,\"y\":[1,{\"c\":2,\"d\":1}]}}")]
    [InlineData("{\"a\":\"\\u0041\"}", "{\"\\u0061\":\"A\"}")]
    public void Equal_arguments_have_the_same_digest_in_any_notation(string one, string other)
    {
        var digest = new ArgumentDigest();
        Assert.Equal(Of(digest, "job", Alice, one), Of(digest, "job", Alice, other));
    }

    [Theory]
    [InlineData("{\"a\":1}", "{\"a\":2}")]
    [InlineData("{\"a\":1}", "{\"a\":\"1\"}")]
    [InlineData("{\"a\":[1,2]}", "{\"a\":[2,1]}")]
    [InlineData("{}", "{\"a\":null}")]
    public void Different_arguments_have_different_digests(string one, string other)
    {
        var digest = new ArgumentDigest();
        Assert.NotEqual(Of(digest, "job", Alice, one), Of(digest, "job", Alice, other));
    }

    [Fact]
    public void The_digest_of_one_caller_reveals_nothing_about_the_arguments_of_another()
    {
        var digest = new ArgumentDigest();
        string pin = Of(digest, "job", Alice, "{\"pin\":1234}");
        Assert.Matches("^[0-9a-f]{64}$", pin);
        Assert.NotEqual(pin, Of(digest, "job", Bob, "{\"pin\":1234}"));
        Assert.NotEqual(pin, Of(digest, "other", Alice, "{\"pin\":1234}"));
        Assert.NotEqual(pin, Of(new ArgumentDigest(), "job", Alice, "{\"pin\":1234}"));
        Assert.NotEqual(Of(digest, "job1", new UserId(1), "{}"), Of(digest, "job", new UserId(11), "{}"));
    }

    [Theory]
    [InlineData(new string[0], null)]
    [InlineData(new[] { "path" }, "{\"path\":\"/x\"}")]
    [InlineData(new[] { "Path", "nothing" }, "{}")]
    [InlineData(new[] { "*" }, "{\"password\":{\"path\":\"inner\"},\"path\":\"/x\"}")]
    public void Only_named_arguments_are_shown(string[] names, string? shown) =>
        Assert.Equal(shown, ArgumentDigest.Audited("{ \"path\": \"/x\", \"password\": {\"path\":\"inner\"} }"u8.ToArray(), names));

    [Fact]
    public void The_hash_equals_that_of_the_framework_for_every_length_and_key()
    {
        var random = new Random(1);
        for (int length = 0; length <= 300; length++)
        {
            byte[] text = new byte[length], key = new byte[length % 65];
            random.NextBytes(text);
            random.NextBytes(key);
            Assert.Equal(System.Security.Cryptography.SHA256.HashData(text), Sha256.Hash(text));
            Assert.Equal(System.Security.Cryptography.HMACSHA256.HashData(key, text), Sha256.Hmac(key, text));
        }

        byte[] large = new byte[100_000];
        random.NextBytes(large);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(large), Sha256.Hash(large));
    }

    private static string Of(ArgumentDigest digest, string job, UserId caller, string json) =>
        digest.Of(job, caller, Encoding.UTF8.GetBytes(json));
}
