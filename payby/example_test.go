package payby_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/filspos/fils/payby"
	"github.com/filspos/fils/payby/sandbox"
)

// practice starts a practice gateway with one merchant and returns the
// merchant's client. In a shop the address is that of protocol.md §1 and the
// keys come from ParsePrivateKey and ParsePublicKey.
func practice() (client *payby.Client, stop func()) {
	own, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	theirs, err := payby.GenerateKey(rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	gateway, err := sandbox.New(sandbox.Options{
		Key:       theirs,
		Merchants: []sandbox.Merchant{{ID: "200000000888", Keys: []*rsa.PublicKey{&own.PublicKey}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(gateway)
	return &payby.Client{
		BaseURL:   server.URL + "/sgs/api",
		PartnerID: "200000000888",
		Signer:    own,
		Keys:      []*rsa.PublicKey{gateway.PublicKey()},
	}, server.Close
}

func ExampleClient_PlaceOrder() {
	client, stop := practice()
	defer stop()
	now := time.Now()

	reply, err := client.PlaceOrder(context.Background(), payby.CreateOrder{
		MerchantOrderNo: "POS01-20260714101530-7Q4K2M",
		Subject:         "Corner Shop purchase",
		TotalAmount:     payby.AED(12600), // fils
		ExpiredTime:     now.Add(5 * time.Minute).UnixMilli(),
		PaySceneCode:    payby.SceneDYNQR,
	}, now)
	switch {
	case errors.Is(err, payby.ErrOutcomeUnknown):
		log.Fatal("nobody knows whether the order exists: query it, then cancel it: ", err)
	case err != nil:
		log.Fatal("refused: ", err)
	}
	fmt.Println(reply.Order.Status, reply.Order.TotalAmount.Amount, reply.Order.TotalAmount.Currency)
	fmt.Println("show as QR code:", strings.Contains(reply.TokenURL, "?BIZ_TYPE=202&ft="))

	// Nobody has paid, so the order is closed again.
	reply, err = client.CancelOrder(context.Background(), payby.OrderRef{MerchantOrderNo: reply.Order.MerchantOrderNo}, time.Now())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(reply.Order.Status, reply.Order.PaymentInfo != nil)
	// Output:
	// CREATED 126.00 AED
	// show as QR code: true
	// FAILURE false
}

// A till stores the bytes before it sends them, so that after a crash it can
// ask again with the very same request.
func ExampleClient_Call() {
	client, stop := practice()
	defer stop()

	biz, err := payby.Encode(payby.CreateOrder{
		MerchantOrderNo: "POS01-20260714101612-9D3XWB",
		Subject:         "Corner Shop purchase",
		TotalAmount:     payby.AED(2550),
		PaySceneCode:    payby.SceneDYNQR,
	})
	if err != nil {
		log.Fatal(err)
	}
	for range 2 { // bizContent unchanged, requestTime fresh
		reply, err := client.Call(context.Background(), payby.OpCreate, biz, time.Now())
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(reply.Order.Status, reply.Order.TotalAmount.Amount)
	}
	// Output:
	// CREATED 25.50
	// CREATED 25.50
}

func ExampleClockOffset() {
	client, stop := practice()
	defer stop()

	sent := time.Now()
	echo, err := client.Echo(context.Background(), "a fresh random text")
	received := time.Now()
	if err != nil {
		log.Fatal(err)
	}
	offset, within, ok := payby.ClockOffset(echo.Date, sent, received)
	fmt.Println(ok, offset.Abs() <= within)
	// Output: true true
}

func ExampleClient_Echo() {
	client, stop := practice()
	defer stop()

	echo, err := client.Echo(context.Background(), "a fresh random text")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(echo.Same)
	// Output: true
}
