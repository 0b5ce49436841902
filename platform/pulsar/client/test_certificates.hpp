// Certificates of a test: an authority, and what it signs, as PEM files in a folder of their own.
#pragma once

#include "kernel/check.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

namespace platform::pulsar::client {

class TestCertificates {
public:
    struct Files {
        std::string certificate, key;
    };
    struct Wanted {
        std::string alternative_names = "DNS:localhost,IP:127.0.0.1";
        long from_seconds = -3600;  // from now
        long to_seconds = 3600;
        bool is_for_client = false;
    };

    explicit TestCertificates(const std::string& name = "authority") {
        auto pattern = (std::filesystem::temp_directory_path() / "pulsar-certificates-XXXXXX").string();
        CHECK(mkdtemp(pattern.data()) != nullptr, "a folder for the test");
        folder_ = pattern;
        authority_key_ = new_key();
        authority_ = new_certificate(name, *authority_key_, -3600, 3600);
        add_extension(*authority_, NID_basic_constraints, "critical,CA:TRUE");
        sign(*authority_);
        write_certificate(*authority_, ca_file());
    }
    ~TestCertificates() { std::filesystem::remove_all(folder_); }
    TestCertificates(const TestCertificates&) = delete;
    TestCertificates& operator=(const TestCertificates&) = delete;

    std::string ca_file() const { return (folder_ / "ca.pem").string(); }

    Files make(const std::string& name, const Wanted& wanted) {
        auto key = new_key();
        auto certificate = new_certificate(name, *key, wanted.from_seconds, wanted.to_seconds);
        add_extension(*certificate, NID_subject_alt_name, wanted.alternative_names);
        add_extension(*certificate, NID_ext_key_usage, wanted.is_for_client ? "clientAuth" : "serverAuth");
        sign(*certificate);
        Files files{(folder_ / (name + ".pem")).string(), (folder_ / (name + ".key")).string()};
        write_certificate(*certificate, files.certificate);
        const auto file = open(files.key);
        CHECK(PEM_write_PrivateKey(file.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1, "the key is written");
        return files;
    }

private:
    struct Free {
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
        void operator()(X509* certificate) const { X509_free(certificate); }
        void operator()(X509_EXTENSION* extension) const { X509_EXTENSION_free(extension); }
        void operator()(FILE* file) const { (void)fclose(file); }
    };
    using Key = std::unique_ptr<EVP_PKEY, Free>;
    using Certificate = std::unique_ptr<X509, Free>;

    static Key new_key() { return Key(EVP_EC_gen("P-256")); }

    Certificate new_certificate(const std::string& name, EVP_PKEY& key, long from, long to) {
        Certificate certificate(X509_new());
        X509_set_version(certificate.get(), X509_VERSION_3);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial_);
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), from);
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), to);
        X509_set_pubkey(certificate.get(), &key);
        auto* const subject = X509_get_subject_name(certificate.get());
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
        X509_set_issuer_name(certificate.get(), X509_get_subject_name(authority_ ? authority_.get() : certificate.get()));
        return certificate;
    }
    void add_extension(X509& certificate, int kind, const std::string& value) {
        X509V3_CTX context{};
        X509V3_set_ctx(&context, authority_ ? authority_.get() : &certificate, &certificate, nullptr, nullptr, 0);
        const std::unique_ptr<X509_EXTENSION, Free> extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
        CHECK(extension != nullptr, "the extension can be read");
        X509_add_ext(&certificate, extension.get(), -1);
    }
    void sign(X509& certificate) { CHECK(X509_sign(&certificate, authority_key_.get(), EVP_sha256()) > 0, "signed"); }

    static std::unique_ptr<FILE, Free> open(const std::string& path) {
        std::unique_ptr<FILE, Free> file(fopen(path.c_str(), "w"));
        CHECK(file != nullptr, "a file of the test");
        return file;
    }
    static void write_certificate(X509& certificate, const std::string& path) {
        const auto file = open(path);
        CHECK(PEM_write_X509(file.get(), &certificate) == 1, "the certificate is written");
    }

    std::filesystem::path folder_;
    Key authority_key_;
    Certificate authority_;
    long serial_ = 0;
};

}  // namespace platform::pulsar::client
