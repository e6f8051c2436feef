package sandbox

import (
	"encoding/json"
	"strings"
)

type accessoryJSON struct {
	AmountDetail   *amountDetail  `json:"amountDetail,omitempty"`
	GoodsDetail    *goodsDetail   `json:"goodsDetail,omitempty"`
	TerminalDetail terminalDetail `json:"terminalDetail"`
}

type amountDetail struct {
	DiscountableAmount *money `json:"discountableAmount,omitempty"`
	Amount             *money `json:"amount,omitempty"`
	VatAmount          *money `json:"vatAmount,omitempty"`
	TipAmount          *money `json:"tipAmount,omitempty"`
}

type goodsDetail struct {
	Body           string          `json:"body,omitempty"`
	CategoriesTree string          `json:"categoriesTree,omitempty"`
	GoodsCategory  string          `json:"goodsCategory,omitempty"`
	GoodsID        string          `json:"goodsId,omitempty"`
	GoodsName      string          `json:"goodsName,omitempty"`
	Price          *money          `json:"price,omitempty"`
	Quantity       json.RawMessage `json:"quantity,omitempty"`
	ShowURL        string          `json:"showUrl,omitempty"`
}

type terminalDetail struct {
	OperatorID   string `json:"operatorId,omitempty"`
	StoreID      string `json:"storeId,omitempty"`
	TerminalID   string `json:"terminalId,omitempty"`
	MerchantName string `json:"merchantName,omitempty"`
	StoreName    string `json:"storeName,omitempty"`
	Location     string `json:"location,omitempty"`
}

const accessoryLimit = 200

// accessory checks accessoryContent and rewrites it the way the gateway gives it back:
// known members only, terminalDetail always there and carrying the registered merchant
// name whatever was sent (protocol.md §6.3).
func accessory(biz *fields, merchantName string) (content accessoryJSON) {
	acc := biz.object("accessoryContent")
	if amounts := acc.object("amountDetail"); len(amounts.m) > 0 {
		content.AmountDetail = &amountDetail{
			DiscountableAmount: amounts.optional("discountableAmount"),
			Amount:             amounts.optional("amount"),
			VatAmount:          amounts.optional("vatAmount"),
			TipAmount:          amounts.optional("tipAmount"),
		}
		biz.inherit(amounts)
	}
	if goods := acc.object("goodsDetail"); len(goods.m) > 0 {
		content.GoodsDetail = &goodsDetail{
			Body:           goods.text("body", accessoryLimit),
			CategoriesTree: goods.text("categoriesTree", accessoryLimit),
			GoodsCategory:  goods.text("goodsCategory", accessoryLimit),
			GoodsID:        goods.text("goodsId", accessoryLimit),
			GoodsName:      goods.text("goodsName", accessoryLimit),
			Price:          goods.optional("price"),
			Quantity:       goods.quantity("quantity"),
			ShowURL:        goods.text("showUrl", accessoryLimit),
		}
		biz.inherit(goods)
	}
	terminal := acc.object("terminalDetail")
	terminal.text("merchantName", accessoryLimit)
	content.TerminalDetail = terminalDetail{
		OperatorID:   terminal.text("operatorId", accessoryLimit),
		StoreID:      terminal.text("storeId", accessoryLimit),
		TerminalID:   terminal.text("terminalId", accessoryLimit),
		MerchantName: merchantName,
		StoreName:    terminal.text("storeName", accessoryLimit),
		Location:     terminal.text("location", accessoryLimit),
	}
	biz.inherit(acc)
	biz.inherit(terminal)
	return content
}

func (f *fields) inherit(child *fields) {
	if child.bad != "" {
		f.fail(child.bad)
	}
}

func (f *fields) optional(name string) *money {
	m, ok := f.money(name)
	if !ok {
		return nil
	}
	m.decimals = 2
	return &m
}

// quantity keeps a decimal of at most 12+2 digits; a whole number comes back as 2.0
// (protocol.md §5).
func (f *fields) quantity(name string) json.RawMessage {
	if !f.has(name) {
		return nil
	}
	text := string(f.m[name])
	if len(text) > 2 && text[0] == '"' && !f.strict {
		text = text[1 : len(text)-1]
	}
	plain, ok := plainDecimal(text)
	whole, frac, _ := strings.Cut(plain, ".")
	frac = strings.TrimRight(frac, "0")
	if !ok || strings.HasPrefix(plain, "-") || len(whole) > 12 || len(frac) > 2 {
		f.fail(name)
		return nil
	}
	if frac == "" {
		frac = "0"
	}
	return json.RawMessage(whole + "." + frac)
}
