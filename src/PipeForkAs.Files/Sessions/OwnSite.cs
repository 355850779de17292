using Microsoft.Net.Http.Headers;

namespace PipeForkAs.Files.Sessions;

/// <summary>Distinguishes requests of the page's own forms and script from those of other sites: by what browsers say about the origin of a
/// request, and by a token that only the page's own forms have.
/// </summary>
internal static class OwnSite
{
    /// <summary>The header in which the script sends the token.</summary>
    public const string TokenHeader = "X-Files-Token";

    /// <summary>The field in which forms have the token.</summary>
    public const string TokenField = "token";

    /// <summary>The cookie of a session. Browsers accept a cookie with this prefix only from this host, with TLS or on loopback.</summary>
    public const string SessionCookie = "__Host-pipeforkas-files";

    /// <summary>The cookie with the token of the sign-in form.</summary>
    public const string FormCookie = "__Host-pipeforkas-files-form";

    /// <summary>Whether a browser says that a request comes from another site. Browsers since 2023 send Sec-Fetch-Site, all send Origin. A
    /// link of another site leads here; images, frames and scripts of another site do not, also where a proxy knows the user without a
    /// cookie.
    /// </summary>
    /// <param name="request">The request.</param>
    /// <param name="isPage">
    /// Whether the reply is a page. A link to the bytes of a file would tell the other site whether the file exists.
    /// </param>
    public static bool IsForeign(HttpRequest request, bool isPage)
    {
        bool isLink = isPage && HttpMethods.IsGet(request.Method)
            && request.Headers["Sec-Fetch-Mode"] == "navigate" && request.Headers["Sec-Fetch-Dest"] == "document";
        if (request.Headers["Sec-Fetch-Site"] is [{ } site] && site is not ("same-origin" or "none") && !isLink)
            return true;
        return request.Headers.Origin is [{ } origin]
            && !(Uri.TryCreate(origin, UriKind.Absolute, out Uri? from)
                && from.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Sets a cookie that scripts cannot read and other sites cannot send. It ends with the browser.</summary>
    public static void SetCookie(HttpResponse response, string name, string value) => response.Cookies.Append(name, value, Options());

    /// <summary>Removes a cookie.</summary>
    public static void RemoveCookie(HttpResponse response, string name) => response.Cookies.Delete(name, Options());

    /// <summary>Sets the headers of each response. User files add stricter ones.</summary>
    public static void SetHeaders(IHeaderDictionary headers)
    {
        headers[HeaderNames.ContentSecurityPolicy] =
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
            + "base-uri 'none'; frame-ancestors 'none'";
        headers[HeaderNames.XContentTypeOptions] = "nosniff";
        headers[HeaderNames.XFrameOptions] = "DENY";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers[HeaderNames.CacheControl] = "no-store";
    }

    private static CookieOptions Options() => new()
    {
        HttpOnly = true,
        Secure = true,
        SameSite = Microsoft.AspNetCore.Http.SameSiteMode.Strict,
        Path = "/",
    };
}
